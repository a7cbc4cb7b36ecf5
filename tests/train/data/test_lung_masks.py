"""Films with lung masks: which are held out, and mask folders that do not fit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from masked_phantoms import write_masked_phantoms
from PIL import Image

from edge_app.errors import DataError
from edge_app.imaging.phantom import PhantomStyle, draw_phantom, phantom_lung_mask
from edge_app.model.preparation import Preparation
from train.data.loading import load_films
from train.data.lung_masks import SIDE_PX, load_lung_masks
from train.data.sources import find_data
from train.data.split import VALIDATION, SplitRule, split_films


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Phantoms of 8 children a class, two films each, and their masks."""
    return write_masked_phantoms(tmp_path, films_per_class=16)


def test_validation_patients_of_the_classifier_are_held_out(folders: tuple[Path, Path]) -> None:
    data = find_data(str(folders[0]))
    found = load_lung_masks(data, folders[1])
    manifest = split_films(load_films(data, Preparation(128)), data.name, data.labels, SplitRule())
    validation = {film["patient"] for film in manifest.films if film["part"] == VALIDATION}
    assert {film.patient for film in found.held_out.films} == validation
    assert not validation & {film.patient for film in found.training.films}
    assert found.manifest.sha256 == manifest.sha256
    assert found.training.pixels.shape == (len(found.training.films), SIDE_PX, SIDE_PX)
    assert set(np.unique(found.training.masks)) == {0, 255}


def test_films_without_a_mask_are_no_error(folders: tuple[Path, Path]) -> None:
    data = find_data(str(folders[0]))
    every = load_lung_masks(data, folders[1])
    (folders[1] / "NORMAL" / f"{Path(every.training.films[0].name).stem}.png").unlink()
    fewer = load_lung_masks(data, folders[1])
    assert len(fewer.training.films) == len(every.training.films) - 1
    assert len(fewer.all_films) == len(every.all_films)


def _first(masks: Path) -> Path:
    return min(masks.rglob("*.png"))


def _remove_all(masks: Path) -> None:
    for file in masks.rglob("*.png"):
        file.unlink()


def _remove_folder(masks: Path) -> None:
    masks.rename(masks.with_name("elsewhere"))


def _rename(masks: Path) -> None:
    _first(masks).rename(_first(masks).with_name("nobody.png"))


def _shrink(masks: Path) -> None:
    Image.open(_first(masks)).resize((64, 64)).save(_first(masks))


def _blacken(masks: Path) -> None:
    Image.fromarray(np.zeros((224, 256), np.uint8)).save(_first(masks))


def _invert(masks: Path) -> None:
    Image.open(_first(masks)).convert("L").point(lambda gray: 255 - gray).save(_first(masks))


def _number(masks: Path) -> None:
    Image.open(_first(masks)).convert("L").point(lambda gray: gray // 255).save(_first(masks))


def _inflate(masks: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(_first(masks))


def _damage(masks: Path) -> None:
    _first(masks).write_bytes(b"\x89PNG no more")


def _keep_one(masks: Path) -> None:
    for file in sorted(masks.rglob("*.png"))[1:]:
        file.unlink()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (_remove_folder, "no lung masks at"),
        (_remove_all, "holds no masks"),
        (_rename, "1 of 48 masks in .* have no film in .*NORMAL/nobody"),
        (_shrink, "is 64 x 64 px, its film 256 x 224 px"),
        (_blacken, r"white on 0.0% of the film \(gray levels 0 to 0\), expected at least 1%"),
        (_invert, r"white on [67]\d.\d% of the film .* and not in all corners: lungs are white"),
        (_number, r"white on 0.0% of the film \(gray levels 0 to 1\)"),
        (_inflate, "cannot be read"),
        (_damage, "cannot be read"),
        (_keep_one, "has no mask of a film in the .* part"),
    ],
)
def test_mask_folder_that_does_not_fit_is_one_clear_error(
    folders: tuple[Path, Path], fault: Callable[[Path], None], message: str
) -> None:
    fault(folders[1])
    with pytest.raises(DataError, match=message):
        load_lung_masks(find_data(str(folders[0])), folders[1])


@pytest.mark.parametrize("seed", [0, 1, 999_999])
def test_phantom_mask_is_where_the_phantom_has_its_lungs(seed: int) -> None:
    # The phantom's lungs have soft edges, steepest where the mask ends. Ribs and heart leave the outer
    # edges alone: there, on rows from near the apex to near the base, the two must agree.
    style = PhantomStyle(noise=0)
    film, mask = draw_phantom("normal", seed, style).astype(float), phantom_lung_mask(seed, style) > 0
    rows = np.flatnonzero(mask.any(axis=1))
    for row in np.linspace(rows[0], rows[-1], 9)[1:-1].astype(int):
        slope = np.abs(np.gradient(film[row]))
        for edge in np.flatnonzero(mask[row])[[0, -1]]:
            assert abs(int(slope[edge - 8 : edge + 9].argmax()) - 8) <= 2
