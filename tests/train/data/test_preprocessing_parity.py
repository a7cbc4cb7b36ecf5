"""The training input path and the device's path give the same pixels, to the bit."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_app.imaging.film import read_film
from edge_app.imaging.phantom import LABELS, phantom_png
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.bundle import Bundle
from edge_app.reading.predictor import Predictor
from train.data.loading import load_films
from train.data.sources import DataSet, LabelledFilm


class FakeInterpreter:
    """Stands in for the interpreter of a predictor and keeps its input."""

    def __init__(self, interpreter) -> None:
        self.interpreter = interpreter
        self.seen: list[np.ndarray] = []

    def run(self, pixels: np.ndarray):
        self.seen.append(pixels)
        return self.interpreter.run(pixels)


def _training_pixels(paths: list[Path], size_px: int) -> np.ndarray:
    films = tuple(LabelledFilm(path.name, "normal", path.name, path) for path in paths)
    return load_films(DataSet("parity", ("normal",), films, "", ""), size_px).pixels


def _device_pixels(paths: list[Path], bundle: Bundle) -> list[np.ndarray]:
    predictor = Predictor(bundle)
    interpreter = FakeInterpreter(predictor.interpreter)
    predictor.interpreter = interpreter
    for path in paths:
        assert predictor.answer(path).decision
    return interpreter.seen


def _assert_parity(paths: list[Path], bundle: Bundle) -> None:
    trained = _training_pixels(paths, bundle.card.input_size_px)
    for ours, theirs in zip(trained, _device_pixels(paths, bundle), strict=True):
        assert np.array_equal(ours, theirs)


def test_real_films_have_parity_to_the_bit(real_films: list[Path], shipped: Bundle) -> None:
    assert len(real_films) >= 20
    _assert_parity(real_films, shipped)


def test_phantoms_have_parity_to_the_bit(tmp_path: Path, shipped: Bundle) -> None:
    paths = []
    for seed, label in enumerate(LABELS * 4):
        paths.append(tmp_path / f"{seed}.png")
        paths[-1].write_bytes(phantom_png(label, seed))
        paths.append(tmp_path / f"{seed}.jpeg")
        with Image.open(paths[-2]) as picture:
            picture.save(paths[-1], quality=85)
    _assert_parity(paths, shipped)


@pytest.mark.parametrize("size", [(1400, 1000), (3000, 2400)])
def test_decoding_a_large_film_at_reduced_scale_changes_pixels_little(
    tmp_path: Path, size: tuple[int, int], shipped: Bundle
) -> None:
    path = tmp_path / "large.jpeg"
    (tmp_path / "small.png").write_bytes(phantom_png("viral", 5))
    with Image.open(tmp_path / "small.png") as picture:
        picture.resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    side = shipped.card.input_size_px
    whole = to_model_pixels(read_film(path).pixels, side)
    reduced = to_model_pixels(read_film(path, min_side_px=2 * side).pixels, side)
    assert np.abs(whole.astype(int) - reduced).mean() < 1.0
