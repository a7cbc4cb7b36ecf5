"""What convert learns for `edge_app.reading.rejection`, from phantoms, and a bundle that refuses with it."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from convert.packaging.rejection_statistics import learn_space, learn_template, measure
from edge_app.errors import FilmRefused
from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom, phantom_png
from edge_app.model.bundle import Bundle, read_bundle, write_bundle
from edge_app.reading.predictor import Predictor
from edge_app.reading.rejection import Rejection, rejection_of

STYLE = PhantomStyle(width_px=288, height_px=256)
TRAINING, VALIDATION = range(400, 700), range(150, 210)  # a spread over 96 channels needs about a hundred films


def draw(seed: int) -> np.ndarray:
    return draw_phantom(LABELS[seed % 3], seed, STYLE)


@pytest.fixture(scope="module")
def learned(shipped: Bundle) -> tuple[Predictor, dict]:
    """The shipped network, and what convert would write about its features on phantoms."""
    predictor = Predictor(shipped)
    preparation = predictor.preparation
    parts = [[draw(seed) for seed in part] for part in (TRAINING, VALIDATION)]
    wholes = [np.stack([preparation.whole(film) for film in part]) for part in parts]
    features = [np.stack([predictor.infer(preparation.prepare(film)[0]).features for film in part]) for part in parts]
    return predictor, measure(learn_template(*wholes), features[0], wholes[1], features[1])


@pytest.fixture(scope="module")
def rejection(learned: tuple[Predictor, dict], shipped: Bundle) -> Rejection:
    found = rejection_of(dataclasses.replace(shipped.card, features=learned[1]))
    assert found is not None
    return found


def outcomes(learned: tuple[Predictor, dict], rejection: Rejection, change: Callable) -> list[str]:
    """For 40 phantoms that were not used to learn: "passed", "warned", or the code of the refusal.

    The steps are those of the device: the pose is checked before the lungs are looked for.
    """
    predictor, found = learned[0], []
    preparation = predictor.preparation
    for seed in range(300, 340):
        film = np.ascontiguousarray(change(draw(seed)))
        whole = preparation.whole(film)
        try:
            warnings = rejection.check_pose(whole)
            pixels = preparation.pixels(film, whole, preparation.locate(preparation.coverage(whole), film))
            warnings += rejection.check_features(whole, predictor.infer(pixels).features)
            found.append("warned" if warnings else "passed")
        except FilmRefused as refusal:
            found.append(refusal.code)
    return found


def test_films_like_those_of_the_training_pass(learned, rejection):
    found = outcomes(learned, rejection, lambda film: film)
    assert found.count("passed") >= 38, found
    assert learned[1]["validation"] == {"films": 60, "refused": 0.0, "warned": pytest.approx(0.05, abs=0.05)}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("upside_down", lambda film: np.rot90(film, 2)),
        ("sideways", np.rot90),
        ("sideways", lambda film: np.rot90(film, 3)),
        ("inverted", lambda film: 255 - film),
    ],
)
def test_film_that_lies_wrongly_is_refused_by_its_code(learned, rejection, code, change):
    found = outcomes(learned, rejection, change)
    assert found.count(code) >= 38, found


def test_picture_that_is_not_a_film_is_refused_or_called_unusual(learned, rejection):
    noise = np.random.default_rng(0)

    def blots() -> np.ndarray:
        return noise.integers(0, 256, (6, 6)).astype(np.uint8)

    kinds = {
        "noise": lambda film: noise.integers(0, 256, film.shape).astype(np.uint8),
        "clouds": lambda film: np.asarray(Image.fromarray(blots()).resize((256, 256), Image.Resampling.BICUBIC)),
        "part of a film": lambda film: film[:90, :90],
    }
    for name, change in kinds.items():
        assert "passed" not in outcomes(learned, rejection, change), name


def test_bundle_with_statistics_refuses_what_one_without_scores(learned, shipped, tmp_path):
    """The whole path: written into a bundle, read from it, used by the predictor; and an older bundle still works."""
    statistics = dataclasses.replace(shipped.card, features=learned[1])
    bare = dataclasses.replace(shipped.card, features={})
    for name, card in (("new", statistics), ("old", bare)):
        write_bundle(
            tmp_path / f"{name}.tflite", shipped.model, card, shipped.golden, shipped.card_text, shipped.locator
        )
    new, old = (Predictor(read_bundle(tmp_path / f"{name}.tflite")) for name in ("new", "old"))
    film = phantom_png("normal", 301, STYLE)
    assert new.answer(film).decision == old.answer(film).decision
    turned = tmp_path / "turned.png"
    Image.fromarray(draw(301)).rotate(180).save(turned)
    assert old.answer(turned).decision.p_finding >= 0
    refusal = new.answer(turned).refusal
    assert (refusal.status, refusal.code) == ("rejected", "upside_down")
    size = (tmp_path / "new.tflite").stat().st_size - (tmp_path / "old.tflite").stat().st_size
    assert size < 6000, "a bundle must stay small"


def test_few_films_and_channels_that_never_move_are_no_trouble():
    rng = np.random.default_rng(0)
    features = np.zeros((5, 24))
    features[:, :3] = rng.normal(size=(5, 3))
    space = learn_space(features, features[:2])
    assert np.isfinite(space.distance(features)).all()
    assert space.distance(features + 100).min() > 10 * space.distance(features).max()
