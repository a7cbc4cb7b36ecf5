"""The lung field: inside the film, steady under rounding, the same at every scale."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_app.imaging.lung_field import (
    FULL,
    MINIMUM_PERMILLE,
    STEPS,
    LungField,
    _end,
    are_cut_off,
    are_cut_through,
    crop,
    largest_move,
    lung_coverage,
    lung_field,
)

GRIDS = st.integers(8, 24)
SIDES_PX = st.integers(1, 3000)


@st.composite
def coverages(draw: st.DrawFn) -> np.ndarray:
    """Anything a network could give out: cells all over, or one block of lung, or both."""
    rows, columns = draw(GRIDS), draw(GRIDS)
    cells = draw(hnp.arrays(np.uint8, (rows, columns), elements=st.integers(0, FULL), fill=st.just(0)))
    if draw(st.booleans()):
        top, left = draw(st.integers(0, rows - 4)), draw(st.integers(0, columns - 4))
        cells[top : draw(st.integers(top + 4, rows)), left : draw(st.integers(left + 4, columns))] = FULL
    return cells


@given(coverages(), SIDES_PX, SIDES_PX)
@settings(deadline=None)
def test_box_lies_inside_the_film_and_is_not_empty(coverage: np.ndarray, width_px: int, height_px: int) -> None:
    field = lung_field(coverage, width_px, height_px)
    if field is not None:
        assert 0 <= field.left < field.right <= width_px
        assert 0 <= field.top < field.bottom <= height_px
        assert all(0 <= end <= 1 for end in field.as_fractions(width_px, height_px))


@given(coverages(), st.data())
@settings(deadline=None)
def test_one_step_in_one_cell_moves_no_end_further_than_stated(coverage: np.ndarray, data: st.DataObject) -> None:
    row, column = (data.draw(st.integers(0, side - 1)) for side in coverage.shape)
    changed = coverage.copy()
    changed[row, column] = int(coverage[row, column]) + (1 if coverage[row, column] < FULL else -1)
    side_px = 100_000
    before, after = lung_field(coverage, side_px, side_px), lung_field(changed, side_px, side_px)
    assume(before is not None and after is not None)
    moves = np.subtract(before.as_fractions(side_px, side_px), after.as_fractions(side_px, side_px))
    assert np.abs(moves).max() <= largest_move(coverage.size) + 1 / side_px


@given(coverages(), st.integers(1, 500), st.integers(1, 500), st.integers(2, 9))
@settings(deadline=None)
def test_larger_film_has_the_same_box_in_more_pixels(coverage: np.ndarray, width: int, height: int, times: int) -> None:
    small, large = lung_field(coverage, width, height), lung_field(coverage, times * width, times * height)
    assume(small is not None)
    assert large is not None
    for end in ("left", "top", "right", "bottom"):
        assert abs(getattr(large, end) - times * getattr(small, end)) < times


@given(coverages(), SIDES_PX, SIDES_PX)
@settings(deadline=None)
def test_turning_rows_into_columns_swaps_the_ends(coverage: np.ndarray, width_px: int, height_px: int) -> None:
    field, turned = lung_field(coverage, width_px, height_px), lung_field(coverage.T.copy(), height_px, width_px)
    expected = None if field is None else LungField(field.top, field.left, field.bottom, field.right)
    assert turned == expected


@given(hnp.arrays(np.int64, 24, elements=st.integers(0, 6000)), st.data())
def test_area_that_moves_outwards_moves_the_end_outwards(profile: np.ndarray, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, 23))
    moved = profile.copy()
    units = data.draw(st.integers(0, int(profile[place])))
    moved[place] -= units
    moved[place - 1] += units
    assume(profile.sum() >= 10_000)
    assert _end(moved) <= _end(profile) + 1  # places are rounded down to 1/4096 of a cell


def test_larger_lungs_have_a_larger_box() -> None:
    boxes = []
    for grown in range(8):
        coverage = np.zeros((32, 32), np.uint8)
        coverage[12 - grown : 20 + grown, 10 - grown : 22 + grown] = FULL
        boxes.append(lung_field(coverage, 500, 400))
    for inner, outer in itertools.pairwise(boxes):
        assert outer.left <= inner.left
        assert outer.top <= inner.top
        assert outer.right >= inner.right
        assert outer.bottom >= inner.bottom


def test_box_computed_by_hand() -> None:
    # 40 columns of lung, 30 to 69: the outermost 2% end at 30.8, their mean is 30.4, and 69.6 on the
    # other side. The margin is 6% of 39.2, so 28.05 to 71.95 of 100, which is 18/64 to 46/64.
    coverage = np.zeros((100, 100), np.uint8)
    coverage[20:80, 30:70] = FULL
    # 60 rows, 20 to 79: 20.6 to 79.4, with the margin 17.07 to 82.93: 11/64 to 53/64.
    assert lung_field(coverage, 1280, 640) == LungField(left=360, top=110, right=920, bottom=530)


def test_a_film_of_one_pixel_has_one_pixel_of_lung() -> None:
    assert lung_field(np.full((8, 8), FULL, np.uint8), 1, 1) == LungField(0, 0, 1, 1)


def test_too_little_lung_is_none() -> None:
    coverage = np.zeros((40, 40), np.uint8)
    enough = MINIMUM_PERMILLE * coverage.size // 1000
    coverage[10:18, 10:20] = FULL  # 80 cells, 5%
    assert enough == 80
    assert lung_field(coverage, 224, 224) is not None
    coverage[10, 10] -= 1
    assert lung_field(coverage, 224, 224) is None


def test_a_stripe_is_no_pair_of_lungs() -> None:
    coverage = np.zeros((40, 40), np.uint8)
    coverage[:, 10:14] = FULL
    assert lung_field(coverage, 224, 224) is None


def test_a_speck_far_from_the_lungs_hardly_moves_the_box() -> None:
    coverage = np.zeros((48, 48), np.uint8)
    coverage[10:40, 8:40] = FULL
    before = lung_field(coverage, 480, 480)
    coverage[2:4, 44:46] = FULL  # 4 cells of 960
    after = lung_field(coverage, 480, 480)
    assert max(abs(new - old) for new, old in zip(vars(after).values(), vars(before).values(), strict=True)) <= 20


@pytest.mark.parametrize(
    "coverage",
    [
        np.zeros((48, 48), np.int8),
        np.zeros((48, 48), np.float32),
        np.zeros((48, 48, 1), np.uint8),
        np.zeros((4, 48), np.uint8),
        np.zeros((48, 1024), np.uint8),
    ],
)
def test_what_is_no_mask_is_an_error(coverage: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8 with 8 to 512 rows"):
        lung_field(coverage, 224, 224)


def test_lungs_that_reach_far_along_an_edge_are_cut_off() -> None:
    coverage = np.zeros((48, 48), np.uint8)
    coverage[8:40, 10:40] = FULL  # 30 cells wide, 32 high
    assert not are_cut_off(coverage)
    coverage[40:, 20:30] = FULL  # 10 of 30 cells at the lower edge: chance
    assert not are_cut_off(coverage)
    coverage[40:, 20:31] = FULL  # 11 of 30
    assert are_cut_off(coverage)
    assert are_cut_off(coverage.T)
    assert are_cut_off(coverage[::-1])


@pytest.mark.parametrize("rows", [slice(0, 40), slice(8, 48)])
def test_lungs_that_fill_an_edge_are_cut_through(rows: slice) -> None:
    coverage = np.zeros((48, 48), np.uint8)
    coverage[20:28, 4:44] = FULL  # 40 cells wide
    coverage[rows, 4:31] = FULL  # 27 of them at the edge
    assert not are_cut_through(coverage, 224, 224)
    coverage[rows, 31] = FULL
    assert are_cut_through(coverage, 224, 224)
    assert not are_cut_through(coverage.T, 224, 224)  # at the sides the way a film lies shows it


def test_low_lungs_that_touch_an_edge_are_cut_through() -> None:
    """As half of a film shows them; how high they are is seen on the film, not in the square mask."""
    coverage = np.zeros((48, 48), np.uint8)
    coverage[8:40, 4:44] = FULL  # 40 cells wide
    coverage[:8, 4:14] = FULL  # 40 high, 10 of 40 at the edge
    assert are_cut_through(coverage, 500, 349)
    assert not are_cut_through(coverage, 500, 350)
    coverage[:8, 13] = 0
    assert not are_cut_through(coverage, 500, 349)


def test_a_mask_without_one_cell_of_lung_is_no_lungs() -> None:
    coverage = np.full((48, 48), FULL // 2, np.uint8)
    assert lung_field(coverage, 224, 224) is None
    assert not are_cut_through(coverage, 224, 224)


def test_crop_is_the_box_in_whole_pixels() -> None:
    film = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert crop(film, LungField(1, 0, 3, 2)).tolist() == [[1, 2], [5, 6]]


def test_logits_become_coverage_by_a_ramp() -> None:
    # By hand: (logit + 2) * 255 / 4, halves rounded up.
    logits = np.array([[-9.0, -2.0, -1.0, 0.0], [1.0, 2.0, 9.0, -1.9921875]], np.float32)
    assert lung_coverage(logits).tolist() == [[0, 0, 64, 128], [191, 255, 255, 0]]


def test_steps_are_finer_than_a_cell_of_any_mask_in_use() -> None:
    assert STEPS > 48
