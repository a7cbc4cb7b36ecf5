"""Damaged model files, also with a matching hash, are refused by name, and never crash the process that serves."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from mutations import mutated

from edge_app.errors import BundleError
from edge_app.model.bundle import read_bundle, shipped_bundle_path, sidecar_path, write_bundle
from edge_app.model.golden import check_outputs
from edge_app.model.runtimes.registry import RUNTIME_VARIABLE, installed_runtimes
from edge_app.model.trial import UNTYPED, check_in_child
from edge_app.system.files import sha256_of

SEED = 20261121
DAMAGED = 600
FORGED = 600
FORGED_MODELS = 16
MANY_FORGED_MODELS = 500


@pytest.fixture(scope="module")
def shipped():
    return read_bundle(shipped_bundle_path())


def write(folder, content, sha256):
    path = folder / "model.tflite"
    path.write_bytes(content)
    sidecar_path(path).write_text(f"{sha256}  {path.name}\n")
    return path


def test_a_damaged_bundle_is_refused_by_its_hash(shipped, tmp_path, tally):
    damaged = 0
    for index in range(DAMAGED):
        content = mutated(shipped.content, np.random.default_rng([SEED, index]))
        if content == shipped.content:
            continue
        damaged += 1
        with pytest.raises(BundleError, match="is damaged"):
            read_bundle(write(tmp_path, content, shipped.sha256))
    assert damaged > DAMAGED - 20
    tally(seed=SEED, bundles_damaged=damaged, refused=damaged)


def test_a_damaged_hash_file_refuses_the_bundle(shipped, tmp_path):
    path = write(tmp_path, shipped.content, shipped.sha256)
    sidecar = sidecar_path(path).read_bytes()
    for index in range(200):
        content = mutated(sidecar, np.random.default_rng([SEED, index]))
        sidecar_path(path).write_bytes(content)
        if content.split()[:1] == [shipped.sha256.encode()]:
            continue
        with pytest.raises(BundleError):
            read_bundle(path)


def test_a_bundle_whose_hash_fits_but_whose_zip_is_damaged_gets_a_typed_refusal(shipped, tmp_path, tally):
    """As if someone had made a new hash for a damaged file: only BundleError may come out."""
    start = zip_start(shipped.content)
    refused = 0
    for index in range(FORGED):
        tail = mutated(shipped.content[start:], np.random.default_rng([SEED, 1, index]))
        content = shipped.content[:start] + tail
        try:
            read_bundle(write(tmp_path, content, sha256_of(content)))
        except BundleError:
            refused += 1
    assert refused > FORGED / 3
    tally(seed=SEED, bundles_damaged=FORGED, refused=refused, untyped=0)


@pytest.mark.parametrize("member", ["card.json", "labels.txt", "golden.npz"])
def test_a_damaged_member_in_a_whole_zip_gets_a_typed_refusal(shipped, tmp_path, member):
    refused = 0
    for index in range(FORGED // 3):
        content = with_member(shipped.content, member, np.random.default_rng([SEED, 2, index]))
        try:
            read_bundle(write(tmp_path, content, sha256_of(content)))
        except BundleError:
            refused += 1
    assert refused > FORGED / 12


def zip_start(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return min(entry.header_offset for entry in archive.infolist())


def with_member(content, damaged, random):
    """The same bundle with one member damaged inside a ZIP that is whole."""
    out = io.BytesIO()
    out.write(content[: zip_start(content)])
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "a") as written:
        for name in archive.namelist():
            member = archive.read(name)
            written.writestr(name, mutated(member, random) if name == damaged else member)
    return out.getvalue()


WRONG_VALUES = (None, True, -1, 0, 1e309, "", "text", [], ["normal"], {}, {"a": 1}, [[]], [0.1, "x"], 10**30)


def test_a_card_with_any_wrong_value_gets_a_typed_refusal_or_stays_usable(shipped, tmp_path):
    card = json.loads(shipped.card.to_json())
    tried = 0
    for name in card:
        for wrong in WRONG_VALUES:
            content = with_card(shipped.content, card | {name: wrong})
            tried += 1
            try:
                read_bundle(write(tmp_path, content, sha256_of(content))).card.operating_point()
            except BundleError:
                continue
    assert tried == len(card) * len(WRONG_VALUES)


def test_operating_points_with_any_wrong_value_get_a_typed_refusal(shipped, tmp_path):
    card = json.loads(shipped.card.to_json())
    for name, point in card["operating_points"].items():
        for field in point:
            for wrong in (None, "x", [], {}, {"value": "x"}, -1, True):
                points = card["operating_points"] | {name: point | {field: wrong}}
                content = with_card(shipped.content, card | {"operating_points": points})
                with pytest.raises(BundleError):
                    read_bundle(write(tmp_path, content, sha256_of(content)))


def with_card(content, card):
    out = io.BytesIO()
    out.write(content[: zip_start(content)])
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "a") as written:
        for name in archive.namelist():
            written.writestr(name, json.dumps(card) if name == "card.json" else archive.read(name))
    return out.getvalue()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_output_that_is_not_a_number_refuses_the_model(wrong):
    with pytest.raises(BundleError, match="not finite"):
        check_outputs({"logits": np.array([0.0, wrong], np.float32)}, {"logits": np.zeros(2, np.float32)}, 2, "it")


def check_forged_models(shipped, folder, count):
    """Damage the network itself, with a card and a hash that fit, and load each file in a child process."""
    refusals, path = [], folder / "model.tflite"
    for index in range(count):
        random = np.random.default_rng([SEED, 3, index])
        model = bytearray(shipped.model)
        reach = 400 if index % 2 else len(model)  # damage to the header may crash, damage to the rest changes outputs
        for at in random.integers(0, reach, random.integers(1, 9)):
            model[at] = int(random.integers(256))
        parity = shipped.card.parity | {"model_bytes": len(model), "model_sha256": sha256_of(bytes(model))}
        card = replace(shipped.card, parity=parity)
        write_bundle(path, bytes(model), card, shipped.golden, shipped.card_text, shipped.locator)
        read_bundle(path)  # only running it can tell
        try:
            check_in_child(path, timeout_s=60)
        except BundleError as error:
            refusals.append(str(error))
    return refusals


def crashes(refusals):
    """How many of them crashed the child that tried them."""
    return sum("crashes the interpreter" in refusal for refusal in refusals)


def test_a_damaged_network_with_a_fitting_hash_is_refused_from_a_child(shipped, tmp_path, tally):
    refusals = check_forged_models(shipped, tmp_path, FORGED_MODELS)
    assert refusals
    assert not [refusal for refusal in refusals if UNTYPED in refusal]
    tally(seed=SEED, networks_damaged=FORGED_MODELS, refused=len(refusals), crashed=crashes(refusals), untyped=0)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", installed_runtimes())
def test_many_damaged_networks_with_a_fitting_hash_are_refused_from_a_child(
    shipped, tmp_path, monkeypatch, runtime, tally
):
    monkeypatch.setenv(RUNTIME_VARIABLE, runtime)
    refusals = check_forged_models(shipped, tmp_path, MANY_FORGED_MODELS)
    assert len(refusals) > MANY_FORGED_MODELS / 2
    assert not [refusal for refusal in refusals if UNTYPED in refusal]
    if runtime == "tflite-runtime":  # otherwise no child would be needed; LiteRT checks a file's structure first
        assert crashes(refusals)
    tally(seed=SEED, networks_damaged=MANY_FORGED_MODELS, refused=len(refusals), crashed=crashes(refusals), untyped=0)
