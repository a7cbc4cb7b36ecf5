"""The training input path and the device's path give the same pixels, to the bit."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.packaging.contents import make_golden
from edge_app.imaging.film import read_film
from edge_app.imaging.phantom import LABELS, PhantomStyle, phantom_png
from edge_app.imaging.preprocess import LUNG_FIELD, WHOLE_FILM
from edge_app.model.bundle import Bundle, read_bundle, write_bundle
from edge_app.model.runtimes.registry import installed_runtimes
from edge_app.reading.predictor import Predictor
from train.data.loading import LoadedFilms, load_films
from train.data.locator_files import LocatorFiles, find_locator, preparation_of
from train.data.sources import DataSet, LabelledFilm

SIZES = [(256, 224), (224, 256), (330, 180), (180, 330), (224, 224)]  # width and height


class SeenPixels:
    """Stands in for the classifier of a predictor and keeps its input."""

    def __init__(self, classifier) -> None:
        self.classifier = classifier
        self.seen: list[np.ndarray] = []

    def run(self, pixels: np.ndarray):
        self.seen.append(pixels)
        return self.classifier.run(pixels)


@pytest.fixture(scope="module")
def bundle(shipped: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The shipped bundle if it sees lung fields, else the same classifier with the shipped locator."""
    return shipped if shipped.locator else _rebuilt(shipped, find_locator(None), tmp_path_factory.mktemp("cropped"))


@pytest.fixture(scope="module")
def whole_film_bundle(shipped: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The same classifier in a bundle as they were before 0.4.0."""
    return _rebuilt(shipped, None, tmp_path_factory.mktemp("whole")) if shipped.locator else shipped


def _rebuilt(bundle: Bundle, locator: LocatorFiles | None, folder: Path) -> Bundle:
    """A bundle with another preparation, which its golden outputs fit; without the statistics, which do not."""
    preprocessing_id, preprocessing_version = LUNG_FIELD if locator else WHOLE_FILM
    card = dataclasses.replace(
        bundle.card,
        preprocessing_id=preprocessing_id,
        preprocessing_version=preprocessing_version,
        locator=locator.to_card() if locator else {},
        features={},
    )
    golden = make_golden(bundle.model, card, installed_runtimes(), locator)
    path = folder / "rebuilt.tflite"
    write_bundle(path, bundle.model, card, golden, "text", locator.int8 if locator else None)
    return read_bundle(path)


def _training_films(paths: list[Path], bundle: Bundle) -> LoadedFilms:
    """Through the training's own preparation, with the locator in the bundle."""
    locator = LocatorFiles(bundle.locator, b"", bundle.card.locator) if bundle.locator else None
    films = tuple(LabelledFilm(path.name, "normal", path.name, path) for path in paths)
    data = DataSet("parity", ("normal",), films, "", "")
    return load_films(data, preparation_of(bundle.card.input_size_px, locator), strict=True)


def _assert_parity(paths: list[Path], bundle: Bundle) -> None:
    trained, predictor = _training_films(paths, bundle), Predictor(bundle)
    seen = SeenPixels(predictor.opened.classifier)
    predictor.opened = dataclasses.replace(predictor.opened, classifier=seen)
    for path, ours, field in zip(paths, trained.pixels, trained.fields, strict=True):
        answer = predictor.answer(path)
        assert answer.refusal is None, path.name
        assert np.array_equal(ours, seen.seen[-1]), path.name
        height_px, width_px = read_film(path).pixels.shape
        assert (field is None) == (bundle.locator is None)
        assert answer.lung_field == (field.as_fractions(width_px, height_px) if field else None), path.name
    assert len(seen.seen) == len(paths)


def test_real_films_have_parity_to_the_bit(real_films: list[Path], bundle: Bundle) -> None:
    assert len(real_films) >= 20
    _assert_parity(real_films, bundle)


@pytest.fixture(scope="module")
def phantom_paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ten phantoms of five shapes, each as PNG and as JPEG."""
    folder, paths = tmp_path_factory.mktemp("shapes"), []
    for seed, (width_px, height_px) in enumerate(SIZES * 2):
        paths.append(folder / f"{seed}.png")
        paths[-1].write_bytes(phantom_png(LABELS[seed % 3], seed, PhantomStyle(width_px, height_px)))
        paths.append(folder / f"{seed}.jpeg")
        with Image.open(paths[-2]) as picture:
            picture.save(paths[-1], quality=85)
    return paths


def test_phantoms_of_several_shapes_have_parity_to_the_bit(phantom_paths: list[Path], bundle: Bundle) -> None:
    _assert_parity(phantom_paths, bundle)


def test_models_of_whole_films_have_parity_to_the_bit(phantom_paths: list[Path], whole_film_bundle: Bundle) -> None:
    """Bundles of earlier versions stay in use."""
    _assert_parity(phantom_paths, whole_film_bundle)


@pytest.mark.parametrize("size", [(1400, 1000), (3000, 2400)])
def test_decoding_a_large_film_at_reduced_scale_changes_pixels_little(
    tmp_path: Path, size: tuple[int, int], bundle: Bundle
) -> None:
    path = tmp_path / "large.jpeg"
    (tmp_path / "small.png").write_bytes(phantom_png("viral", 5))
    with Image.open(tmp_path / "small.png") as picture:
        picture.resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    preparation = Predictor(bundle).preparation
    reduced_film = read_film(path, min_side_px=preparation.min_side_px).pixels
    assert reduced_film.shape < read_film(path).pixels.shape
    (whole, field), (reduced, _) = (preparation.prepare(film) for film in (read_film(path).pixels, reduced_film))
    assert field is not None
    assert np.abs(whole.astype(int) - reduced).mean() < 1.6  # gray levels of 255
