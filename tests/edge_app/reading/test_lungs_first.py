"""The lungs come first: without them there is no score, and what is shown lies inside them."""

import io

import numpy as np
import pytest
from PIL import Image

from edge_app.errors import FilmRefused
from edge_app.imaging.lung_field import FULL, LungField
from edge_app.imaging.phantom import PhantomStyle, draw_phantom, phantom_lung_mask
from edge_app.model.bundle import Bundle
from edge_app.model.preparation import Preparation
from edge_app.reading.predictor import LUNGS_CUT_OFF, Predictor

STYLE = PhantomStyle(width_px=320, height_px=280)


class FixedLocator:
    """A locator whose mask is given."""

    input_size_px = 96

    def __init__(self, coverage: np.ndarray) -> None:
        self.mask = coverage

    def view(self, film: np.ndarray) -> np.ndarray:
        return np.zeros((96, 96), np.uint8)

    def coverage(self, view: np.ndarray) -> np.ndarray:
        return self.mask


def png(film: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(film).save(content, "PNG")
    return content.getvalue()


def square(**rows: slice) -> np.ndarray:
    coverage = np.zeros((48, 48), np.uint8)
    coverage[rows.get("down", slice(12, 36)), rows.get("across", slice(12, 36))] = FULL
    return coverage


@pytest.fixture(scope="module")
def predictor(shipped: Bundle) -> Predictor:
    return Predictor(shipped)


def with_mask(predictor: Predictor, coverage: np.ndarray) -> Predictor:
    """The shipped model with a locator that gives this mask."""
    other = object.__new__(Predictor)
    other.__dict__.update(predictor.__dict__)
    preparation = Preparation(predictor.preparation.size_px, FixedLocator(coverage))  # type: ignore[arg-type]
    other.opened = type(predictor.opened)(predictor.opened.classifier, preparation)
    other.rejection = None
    return other


def test_a_film_without_lungs_gets_no_score(predictor: Predictor) -> None:
    film = png(draw_phantom("viral", 3, STYLE))
    answer = with_mask(predictor, np.zeros((48, 48), np.uint8)).answer(film)
    assert answer.refusal is not None
    assert (answer.refusal.status, answer.refusal.code) == ("rejected", "no_lungs")
    assert answer.evidence is None


def test_a_half_decided_mask_is_no_frontal_chest_film(predictor: Predictor) -> None:
    film = png(draw_phantom("viral", 3, STYLE))
    coverage = square()
    coverage[0:8, 0:36] = FULL // 2  # 288 undecided cells and 576 of lung: half
    assert with_mask(predictor, coverage).answer(film).refusal is None
    coverage[8, 0] = FULL // 2
    refusal = with_mask(predictor, coverage).answer(film).refusal
    assert refusal is not None
    assert refusal.code == "not_a_chest_film"


def test_lungs_at_the_edge_are_warned_of(predictor: Predictor) -> None:
    film = png(draw_phantom("viral", 3, STYLE))
    assert LUNGS_CUT_OFF not in with_mask(predictor, square()).answer(film).warnings
    assert LUNGS_CUT_OFF in with_mask(predictor, square(across=slice(24, 48))).answer(film).warnings


def test_a_film_that_ends_in_the_middle_of_the_lungs_gets_no_score(predictor: Predictor) -> None:
    film = draw_phantom("viral", 3, STYLE)
    assert predictor.answer(png(film)).refusal is None
    refusal = with_mask(predictor, square(down=slice(12, 48))).answer(png(film)).refusal
    assert refusal is not None
    assert (refusal.status, refusal.code) == ("rejected", LUNGS_CUT_OFF)
    for half in (film[: len(film) // 2], film[len(film) // 2 :]):
        assert predictor.answer(png(half)).refusal is not None


def test_the_classifier_sees_the_original_films_crop_not_a_shrunk_square() -> None:
    film = np.random.default_rng(0).integers(0, 256, (600, 300), dtype=np.uint8)
    preparation = Preparation(64, FixedLocator(square()))  # type: ignore[arg-type]
    pixels, located = preparation.prepare(film)
    assert located is not None
    field = located.field
    assert (field.bottom - field.top) == pytest.approx(2 * (field.right - field.left), abs=4)
    whole = Preparation(64).prepare(np.ascontiguousarray(film[field.top : field.bottom, field.left : field.right]))[0]
    assert np.array_equal(pixels, whole)


def test_preparation_without_lungs_says_what_to_check() -> None:
    with pytest.raises(FilmRefused, match="shows both lungs"):
        Preparation(64, FixedLocator(np.zeros((48, 48), np.uint8))).prepare(  # type: ignore[arg-type]
            np.zeros((100, 100), np.uint8)
        )


def test_the_shipped_locator_finds_a_phantoms_lungs(predictor: Predictor) -> None:
    for seed in range(6):
        film, mask = draw_phantom("normal", seed, STYLE), phantom_lung_mask(seed, STYLE)
        located = predictor.preparation.prepare(film)[1]
        assert located is not None
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        truth = LungField(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        assert iou(located.field, truth) > 0.7  # the field has a margin, the mask has none


def iou(one: LungField, other: LungField) -> float:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    areas = [(each.right - each.left) * (each.bottom - each.top) for each in (one, other)]
    return width * height / (sum(areas) - width * height)


def test_nothing_is_pointed_at_on_a_normal_film(predictor: Predictor) -> None:
    for seed in range(40):
        answer = predictor.answer(png(draw_phantom("normal", seed, STYLE)))
        if answer.refusal is None:
            pointed = answer.decision.decision != predictor.card.negative
            assert (answer.evidence is not None) == (answer.evidence_place is not None) == pointed
