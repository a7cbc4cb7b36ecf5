import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge_app.errors import BundleError
from edge_app.model.bundle import Bundle, open_model, read_bundle, sidecar_path, write_bundle
from edge_app.model.golden import packed_golden, unpacked_golden
from edge_app.model.runtimes.registry import load_runtime
from edge_app.system.files import sha256_of


@pytest.fixture
def copy(shipped: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / shipped.path.name
    shutil.copy(shipped.path, path)
    shutil.copy(sidecar_path(shipped.path), sidecar_path(path))
    return path


def _rewritten(bundle: Bundle, path: Path, **changes: object) -> Bundle:
    """The same model under another card."""
    write_bundle(path, bundle.model, dataclasses.replace(bundle.card, **changes), bundle.golden, "text", bundle.locator)
    return read_bundle(path)


def test_shipped_bundle_is_full_integer_and_under_300_kb(shipped: Bundle) -> None:
    assert len(shipped.content) < 300_000
    assert open_model(shipped, load_runtime()).classifier.is_int8


def test_shipped_card_says_what_it_is_for_and_what_was_not_checked(shipped: Bundle) -> None:
    assert not shipped.card.phantom
    assert "children" in shipped.card.intended_use
    assert shipped.card.not_checked
    assert shipped.card.data_licence == "CC BY 4.0"
    assert set(shipped.golden.expected) == {"builtin", "xnnpack"}


def test_what_is_written_is_read_back(shipped: Bundle, tmp_path: Path) -> None:
    again = _rewritten(shipped, tmp_path / "again.tflite")
    assert again.card == shipped.card
    for ours, theirs in zip(again.golden.films, shipped.golden.films, strict=True):
        assert np.array_equal(ours, theirs)


def test_same_content_gives_the_same_bytes(shipped: Bundle, tmp_path: Path) -> None:
    first = _rewritten(shipped, tmp_path / "first.tflite")
    second = _rewritten(shipped, tmp_path / "second.tflite")
    assert first.content == second.content


def test_flipped_byte_is_refused(copy: Path) -> None:
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with pytest.raises(BundleError, match="damaged"):
        read_bundle(copy)


def test_missing_hash_is_refused(copy: Path) -> None:
    sidecar_path(copy).unlink()
    with pytest.raises(BundleError, match="copy the model and its"):
        read_bundle(copy)


def test_bare_model_is_refused(tmp_path: Path) -> None:
    from edge_app.system.files import sha256_of

    path = tmp_path / "bare.tflite"
    path.write_bytes(b"no zip here")
    sidecar_path(path).write_text(f"{sha256_of(b'no zip here')}  bare.tflite\n")
    with pytest.raises(BundleError, match="bare model"):
        read_bundle(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preprocessing_version": 99}, "preprocessing"),
        ({"labels": ("bacterial", "viral")}, "labels"),
        ({"temperature": 0.0}, "temperature"),
        ({"uncertainty_band": (0.9, 0.1)}, "band"),
        ({"default_operating_point": "none"}, "default_operating_point"),
        ({"input_size_px": 3}, "input_size_px"),
    ],
)
def test_wrong_card_is_refused(shipped: Bundle, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        _rewritten(shipped, tmp_path / "wrong.tflite", **changes)


def test_card_of_another_input_size_is_refused(shipped: Bundle, tmp_path: Path) -> None:
    other = _rewritten(shipped, tmp_path / "other.tflite", input_size_px=64)
    with pytest.raises(BundleError, match="card says 64x64, model takes"):
        open_model(other, load_runtime())


def test_model_that_answers_its_golden_films_otherwise_is_refused(shipped: Bundle, tmp_path: Path) -> None:
    expected = {
        family: outputs | {"logits": outputs["logits"] ^ np.int8(16)}
        for family, outputs in shipped.golden.expected.items()
    }
    golden = dataclasses.replace(shipped.golden, expected=expected)
    path = tmp_path / "moved.tflite"
    write_bundle(path, shipped.model, shipped.card, golden, "text", shipped.locator)
    with pytest.raises(BundleError, match="off by 16 steps"):
        open_model(read_bundle(path), load_runtime())


def test_a_locator_of_another_bundle_is_refused(shipped: Bundle, tmp_path: Path) -> None:
    other = bytearray(shipped.locator)
    other[len(other) // 2] ^= 1  # damaged, inside a sound ZIP
    for locator in (bytes(other), None):
        path = tmp_path / "other.tflite"
        write_bundle(path, shipped.model, shipped.card, shipped.golden, "text", locator)
        with pytest.raises(BundleError, match=r"locator in the file has the SHA-256 .* damaged or of another bundle"):
            read_bundle(path)


def test_a_locator_that_finds_the_lungs_elsewhere_is_refused(shipped: Bundle, tmp_path: Path) -> None:
    fields = {family: found.copy() for family, found in shipped.golden.fields.items()}
    for found in fields.values():
        found[1, 3] -= 6  # pixels; a step of the lung field is 2 at 96 px
    path = tmp_path / "moved.tflite"
    golden = dataclasses.replace(shipped.golden, fields=fields)
    write_bundle(path, shipped.model, shipped.card, golden, "text", shipped.locator)
    with pytest.raises(BundleError, match=r"the lung field is .* expected"):
        open_model(read_bundle(path), load_runtime())


def test_golden_films_without_lung_fields_do_not_fit_a_model_with_a_locator(shipped: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "bare.tflite"
    golden = dataclasses.replace(shipped.golden, fields={})
    write_bundle(path, shipped.model, shipped.card, golden, "text", shipped.locator)
    with pytest.raises(BundleError, match="has no lung fields"):
        read_bundle(path)


def test_lung_fields_that_are_no_whole_numbers_are_refused(shipped: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "fractions.tflite"
    fields = {family: np.full(found.shape, np.nan) for family, found in shipped.golden.fields.items()}
    write_bundle(
        path, shipped.model, shipped.card, dataclasses.replace(shipped.golden, fields=fields), "text", shipped.locator
    )
    with pytest.raises(BundleError, match="lung fields that do not fit its films"):
        read_bundle(path)


def test_golden_films_keep_their_order_when_there_are_more_than_ten(shipped: Bundle) -> None:
    golden = shipped.golden
    many = dataclasses.replace(
        golden,
        films=golden.films * 4,
        expected={
            family: {name: np.tile(output, (4,) + (1,) * (output.ndim - 1)) for name, output in outputs.items()}
            for family, outputs in golden.expected.items()
        },
        fields={family: np.tile(found, (4, 1)) for family, found in golden.fields.items()},
    )
    for ours, theirs in zip(unpacked_golden(packed_golden(many)).films, many.films, strict=True):
        assert np.array_equal(ours, theirs)


def test_a_damaged_locator_whose_hash_fits_is_named(shipped: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "half.tflite"
    half = shipped.locator[: len(shipped.locator) // 2]
    card = dataclasses.replace(shipped.card, locator=shipped.card.locator | {"sha256": sha256_of(half)})
    write_bundle(path, shipped.model, card, shipped.golden, "text", half)
    with pytest.raises(BundleError, match=r"the locator of half.tflite: .*: copy or convert the model again"):
        open_model(read_bundle(path), load_runtime())
