"""Distance and card of `edge_app.reading.rejection`, worked out by hand; what convert learns is tested there."""

import dataclasses
import json

import numpy as np
import pytest

from edge_app.errors import BundleError, FilmRefused
from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.card import ModelCard
from edge_app.reading.predictor import Predictor
from edge_app.reading.rejection import (
    TEMPLATE_SIDE_PX,
    FeatureSpace,
    Rejection,
    Template,
    TemplateLimits,
    each_way,
    fit_each_way,
    rejection_of,
    standardized,
)

SIDE_PX = 64
STYLE = PhantomStyle(width_px=224, height_px=208)
SPACE = FeatureSpace(
    mean=np.array([1.0, 0.0, -1.0]), directions=np.array([[0.0, 1.0, 0.0]]), spread=np.array([2.0]), rest=0.5, limit=3.0
)
NEAR, FAR = np.array([1.0, 2.0, -1.0]), np.array([1.0, 8.0, -1.0])


def pixels_of(seed: int) -> np.ndarray:
    return to_model_pixels(draw_phantom("normal", seed, STYLE), SIDE_PX)


@pytest.fixture(scope="module")
def rejection() -> Rejection:
    """A mean phantom as template: it fits films as they are by about 12, after a quarter turn by less than 4."""
    films = standardized(np.stack([pixels_of(seed) for seed in range(20)]))
    limits = TemplateLimits(
        likeness=3.0, sideways=0.0, upside_down=-9.0, doubtful=12.0, perhaps_upside_down=0.0, perhaps_mirrored=-9.0
    )
    return Rejection(Template(films.mean(axis=0), limits), SPACE)


def test_distance_is_counted_in_spreads_along_each_direction():
    # (0, 2, 0) is one spread of 2 along the kept direction, (0.5, 0, 0) one of 0.5 outside it.
    assert SPACE.distance(SPACE.mean) == 0
    assert SPACE.distance(NEAR) == pytest.approx(1)
    assert SPACE.distance(np.array([[1.5, 2.0, -1.0], [1.0, 0.0, 0.0]])) == pytest.approx([np.sqrt(2), 2])


def test_ways_are_quarter_turns_then_the_mirrored_ones():
    corner = np.zeros((1, 4, 4))
    corner[0, 0, 0] = 1  # top left; np.rot90 turns counter-clockwise
    places = [tuple(int(i) for i in np.argwhere(way)[0]) for way in each_way(corner)[0]]
    assert places == [(0, 0), (3, 0), (3, 3), (0, 3), (0, 3), (0, 0), (3, 0), (3, 3)]


def test_standardized_films_do_not_depend_on_brightness_and_contrast():
    film = pixels_of(1)
    films = standardized(np.stack([film, (film // 2 + 60).astype(np.uint8)]))
    assert films.shape == (2, TEMPLATE_SIDE_PX, TEMPLATE_SIDE_PX)
    assert films.mean(axis=(1, 2)) == pytest.approx([0, 0], abs=1e-9)
    assert np.abs(films[0] - films[1]).max() < 0.05


def test_upright_film_passes_and_a_far_one_is_called_unusual(rejection):
    assert rejection.check_pose(pixels_of(30)) == ()
    assert rejection.check_features(pixels_of(30), NEAR) == ()
    assert rejection.check_features(pixels_of(30), FAR) == ("unusual",)


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("inverted", lambda film: 255 - film),
        ("sideways", lambda film: np.rot90(film)),
        ("sideways", lambda film: np.rot90(film, 3)),
        ("not_a_chest_film", lambda film: np.random.default_rng(0).permutation(film.ravel()).reshape(film.shape)),
    ],
)
def test_film_that_lies_otherwise_is_refused_by_name(rejection, code, changed):
    with pytest.raises(FilmRefused) as refusal:
        rejection.check_pose(np.ascontiguousarray(changed(pixels_of(31))))
    assert refusal.value.code == code


def test_far_film_that_hardly_looks_like_a_chest_is_refused(rejection):
    doubtful = dataclasses.replace(rejection.template.limits, doubtful=1e3)
    strict = dataclasses.replace(rejection, template=dataclasses.replace(rejection.template, limits=doubtful))
    assert strict.check_pose(pixels_of(32)) == ()
    assert strict.check_features(pixels_of(32), NEAR) == ()
    with pytest.raises(FilmRefused, match="nothing is scored"):
        strict.check_features(pixels_of(32), FAR)


def test_card_gives_back_what_was_put_in(rejection, shipped):
    kept = json.loads(json.dumps(rejection.to_card()))
    card = ModelCard.from_json(dataclasses.replace(shipped.card, features=kept).to_json())
    back = rejection_of(card)
    assert back is not None
    films = standardized(np.stack([pixels_of(33)]))
    assert fit_each_way(films, back.template.weights) == pytest.approx(
        fit_each_way(films, rejection.template.weights), abs=0.1
    )
    assert back.template.limits == rejection.template.limits
    assert back.space.distance(FAR) == pytest.approx(SPACE.distance(FAR))


def test_card_without_statistics_is_no_fault(shipped):
    assert rejection_of(dataclasses.replace(shipped.card, features={})) is None
    assert rejection_of(dataclasses.replace(shipped.card, features={"version": 99})) is None


def test_statistics_of_other_features_are_refused_when_the_model_is_opened(rejection, shipped):
    bundle = dataclasses.replace(shipped, card=dataclasses.replace(shipped.card, features=rejection.to_card()))
    with pytest.raises(BundleError, match=r"the card describes \d+ features, the model gives 96: run convert again"):
        Predictor(bundle)


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: kept.pop("look"),
        lambda kept: kept["look"].update(weights="AAAA"),
        lambda kept: kept["look"].update(weights="no base64!"),
        lambda kept: kept["look"]["limits"].pop("doubtful"),
        lambda kept: kept["look"]["limits"].update(extra=1.0),
        lambda kept: kept["distance"].update(rest=0.0),
        lambda kept: kept["distance"].update(limit=float("nan")),
        lambda kept: kept["distance"].update(mean=kept["distance"]["spread"]),
        lambda kept: kept.update(distance=[1, 2]),
    ],
)
def test_damaged_statistics_are_refused_before_a_film_is_scored(rejection, shipped, damage):
    kept = json.loads(json.dumps(rejection.to_card()))
    damage(kept)
    with pytest.raises(BundleError, match="run convert again"):
        rejection_of(dataclasses.replace(shipped.card, features=kept))
