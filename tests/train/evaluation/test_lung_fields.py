"""Figures of the locator, with a predictor that simply calls dark pixels lung."""

import numpy as np
import pytest

from edge_app.imaging.lung_field import lung_field
from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from train.data.labelled import LabelledFilm
from train.data.lung_masks import SIDE_PX, MaskedFilms
from train.data.lungs.negatives import NEGATIVES
from train.evaluation.lung_fields import (
    box_iou,
    dice,
    film_views,
    found_figures,
    mask_figures,
    no_lungs_figures,
    painted_figures,
    reframed,
    reframed_box,
    reframed_figures,
)

SIDE = 96


def dark_is_lung(pixels: np.ndarray) -> np.ndarray:
    """Logits of cells of two pixels, from films with black rectangles for lungs."""
    cells = pixels.reshape(len(pixels), SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
    return np.where(cells < 100, 5.0, -5.0).astype(np.float32)


def nothing(pixels: np.ndarray) -> np.ndarray:
    """No lungs anywhere."""
    return np.full((len(pixels), SIDE // 2, SIDE // 2), -5.0, np.float32)


@pytest.fixture(scope="module")
def films() -> MaskedFilms:
    """Gray films with two dark rectangles, and their masks."""
    pixels, masks = np.full((3, SIDE_PX, SIDE_PX), 180, np.uint8), np.zeros((3, SIDE_PX, SIDE_PX), np.uint8)
    for row in range(3):
        for left in (60, 130):
            masks[row, 50 + 4 * row : 150, left : left + 40] = 255
    pixels[:, ::2] += 60  # stretched, tissue stays bright
    pixels[masks > 0] = 20
    labelled = tuple(LabelledFilm(f"film{row}", "normal", f"child{row}", pixels[row]) for row in range(3))
    return MaskedFilms(labelled, pixels, masks)


def test_iou_by_hand() -> None:
    assert box_iou((0, 0, 0.5, 0.5), (0.25, 0, 0.75, 0.5)) == pytest.approx(1 / 3)
    assert box_iou((0, 0, 0.1, 0.1), (0.5, 0.5, 1, 1)) == 0
    assert box_iou(None, (0, 0, 1, 1)) == 0


def test_dice_by_hand() -> None:
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    one[0], other[0, :2] = True, True
    assert dice(one, other) == pytest.approx(2 * 2 / 6)
    assert dice(one & False, other & False) == 1


def test_a_locator_that_is_right_gets_nearly_full_marks(films: MaskedFilms) -> None:
    figures = mask_figures(dark_is_lung, SIDE, films)
    assert figures["dice_grid"] > 0.95
    assert figures["dice_full_size"] > 0.93  # rectangles' corners are lost between cells
    assert figures["iou_5th_percentile"] > 0.95


def test_a_locator_that_finds_nothing_gets_none(films: MaskedFilms) -> None:
    assert mask_figures(nothing, SIDE, films)["iou_median"] == 0
    assert all(row["iou_median"] == 0 for row in reframed_figures(nothing, SIDE, films.pixels).values())
    assert found_figures(nothing, films.films, film_views(films.films, SIDE)) == {
        "films": 3,
        "found": 0,
        "share_found": 0.0,
        "missed_by_label": {"normal": 3},
        "share_cut_off": 0.0,
    }


def test_pictures_without_lungs_count_where_no_field_is_found(films: MaskedFilms) -> None:
    assert no_lungs_figures(nothing, SIDE, films) == dict.fromkeys(NEGATIVES, 1.0)
    assert no_lungs_figures(lambda pixels: -nothing(pixels), SIDE, films) == dict.fromkeys(NEGATIVES, 0.0)


@pytest.mark.parametrize(("zoom", "shift"), [(0.6, -0.08), (1.25, 0.08)])
def test_reframed_box_is_where_the_reframed_film_has_it(films: MaskedFilms, zoom: float, shift: float) -> None:
    box = lung_field(films.masks[0], SIDE_PX, SIDE_PX).as_fractions(SIDE_PX, SIDE_PX)
    moved = lung_field(reframed(films.masks[0], zoom, shift), SIDE_PX, SIDE_PX).as_fractions(SIDE_PX, SIDE_PX)
    assert np.allclose(moved, reframed_box(box, zoom, shift), atol=0.02)


def test_black_beyond_the_film_is_lung_to_a_naive_locator_only_when_zoomed_out(films: MaskedFilms) -> None:
    figures = reframed_figures(dark_is_lung, SIDE, films.pixels)
    assert figures["zoom 1.25"]["iou_median"] > 0.9
    assert figures["zoom 0.6"]["iou_median"] < 0.7


def test_a_locator_that_loses_a_white_lung_is_caught(films: MaskedFilms) -> None:
    figures = painted_figures(dark_is_lung, SIDE, films, "normal")
    assert painted_figures(dark_is_lung, SIDE, films, "healthy") == {}
    assert set(figures) == {
        f"{region}, {gray}"
        for region in ("left of film", "right of film", "both bases")
        for gray in ("as tissue", "white")
    }
    for row in figures.values():
        assert row["films"] == 3
        assert row["share_at_least_85"] == 0
        assert row["kept_least"] < 0.7


def test_whole_data_sets_are_read_as_the_device_reads_them() -> None:
    style = PhantomStyle(200, 160)
    films = tuple(LabelledFilm(f"{seed}", "viral", f"{seed}", draw_phantom("viral", seed, style)) for seed in range(3))
    figures = found_figures(lambda pixels: -nothing(pixels), films, film_views(films, SIDE))
    assert figures["found"] == 3
    assert figures["share_cut_off"] == 1
