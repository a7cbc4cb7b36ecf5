"""A bundle with a locator, from convert to the device: opened in both runtimes, and refused with another locator."""

import dataclasses
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from drawn_locators import blind_locator, dark_is_lung, locator_files
from tests_support import run_python

from convert.conversion import Conversion, accept
from convert.options import Budget
from convert.packaging.card_text import model_card_text
from edge_app.errors import BundleError
from edge_app.imaging.phantom import phantom_png
from edge_app.imaging.preprocess import LUNG_FIELD
from edge_app.model.bundle import Bundle, open_model, read_bundle, shipped_bundle_path, write_bundle
from edge_app.model.runtimes.registry import RUNTIME_VARIABLE, load_runtime
from edge_app.system.files import sha256_of
from train.data.locator_files import INT8, SHIPPED, LocatorFiles

WIDE = Budget(recall_films=9, accuracy=1, flips=1, auc=1)


@pytest.fixture(scope="module")
def bundle(conversion: Conversion, ptq_file: bytes, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """What convert makes of a small run on phantoms."""
    options = dataclasses.replace(conversion.options, out=tmp_path_factory.mktemp("out"), budget=WIDE)
    outcome = accept(dataclasses.replace(conversion, options=options), "ptq", ptq_file)
    assert not outcome.examined.refusal
    return read_bundle(outcome.path)


def _edge(runtime: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The device's own command, in one runtime."""
    return run_python("-m", "edge_app", *words, **{RUNTIME_VARIABLE: runtime})


def test_bundle_holds_the_locator_of_its_run_and_says_so(bundle: Bundle, conversion: Conversion) -> None:
    locator = conversion.source.locator
    assert locator is not None
    assert bundle.locator == locator.int8
    card = bundle.card
    assert (card.preprocessing_id, card.preprocessing_version) == LUNG_FIELD
    assert card.locator["sha256"] == locator.sha256 == conversion.source.run.locator_sha256
    assert card.locator["masks_licence"] == locator.figures["masks_licence"]
    assert set(card.metrics["judges"]) == {"random", "shortcut-swapped", "reframed", "shortcut-free"}


def test_shipped_bundle_holds_the_locator_that_fit_crops_with() -> None:
    assert read_bundle(shipped_bundle_path()).locator == (SHIPPED / INT8).read_bytes()


def test_gates_crop_films_as_training_did_in_the_runtime_of_training(conversion: Conversion) -> None:
    own = load_runtime().kind.package
    assert np.array_equal(conversion.validation_pixels[own], conversion.source.validation.pixels)
    for pixels in conversion.validation_pixels.values():  # another runtime may move an end of a box by one step
        assert np.abs(pixels.astype(int) - conversion.source.validation.pixels).mean() < 8


def test_golden_chain_holds_in_every_runtime(bundle: Bundle, runtimes: list[str], tmp_path: Path) -> None:
    film = tmp_path / "film.png"
    film.write_bytes(phantom_png("bacterial", 900))
    boxes = []
    for runtime in runtimes:
        tested = _edge(runtime, "selftest", "--model", str(bundle.path), "--json")
        assert tested.returncode == 0, tested.stderr
        result = json.loads(tested.stdout)
        assert result["status"] == "ok"
        assert result["runtime"].startswith(runtime)
        assert all(len(golden["lung_field"]) == 4 for golden in result["golden"])
        answered = _edge(runtime, "predict", str(film), "--model", str(bundle.path), "--json")
        assert answered.returncode == 0, answered.stderr
        boxes.append(json.loads(answered.stdout)["lung_field"])
    assert np.ptp(np.array(boxes), axis=0).max() <= 1.01 / 64, "runtimes differ by a step of the lung field at most"


def _exchanged(bundle: Bundle, folder: Path, files: LocatorFiles | None, **changes: object) -> Path:
    """The bundle as a sound ZIP, hash and all, with another locator."""
    card = dataclasses.replace(bundle.card, **changes)
    path = folder / "exchanged.tflite"
    write_bundle(path, bundle.model, card, bundle.golden, model_card_text(card), files.int8 if files else None)
    return path


def test_exchanged_locator_in_a_sound_bundle_is_one_clear_line(
    bundle: Bundle, runtimes: list[str], tmp_path: Path
) -> None:
    path = _exchanged(bundle, tmp_path, locator_files(dark_is_lung()))
    tested = _edge(runtimes[0], "selftest", "--model", str(path))
    assert tested.returncode == 1
    assert tested.stdout == ""
    assert len(tested.stderr.splitlines()) == 1, tested.stderr
    assert "the locator in the file has the SHA-256" in tested.stderr
    assert "damaged or of another bundle" in tested.stderr


def test_lost_or_unexpected_locator_is_refused(bundle: Bundle, conversion: Conversion, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="of another bundle"):
        read_bundle(_exchanged(bundle, tmp_path, None))
    path = _exchanged(bundle, tmp_path, conversion.source.locator, preprocessing_id="squash-stretch")
    with pytest.raises(BundleError, match="of another bundle"):
        read_bundle(path)


def test_locator_exchanged_with_its_hash_is_refused_by_the_golden_lung_fields(bundle: Bundle, tmp_path: Path) -> None:
    for model, told in ((dark_is_lung(), r"the lung field is \(.*\), expected \("), (blind_locator(), "no lungs")):
        other = locator_files(model)
        path = _exchanged(bundle, tmp_path, other, locator=other.to_card())
        assert read_bundle(path).card.locator["sha256"] == sha256_of(other.int8)
        with pytest.raises(BundleError, match=told):
            open_model(read_bundle(path), load_runtime())


def test_locator_of_another_size_than_its_card_is_refused(
    bundle: Bundle, conversion: Conversion, tmp_path: Path
) -> None:
    wrong = bundle.card.locator | {"input_size_px": 64}
    path = _exchanged(bundle, tmp_path, conversion.source.locator, locator=wrong)
    with pytest.raises(BundleError, match="card says 64x64, locator takes"):
        open_model(read_bundle(path), load_runtime())


def test_file_that_is_a_classifier_is_no_locator(bundle: Bundle, ptq_file: bytes, tmp_path: Path) -> None:
    other = LocatorFiles(ptq_file, b"", {"input_size_px": 32})
    path = _exchanged(bundle, tmp_path, other, locator=other.to_card())
    with pytest.raises(BundleError, match="the locator's outputs are"):
        open_model(read_bundle(path), load_runtime())
