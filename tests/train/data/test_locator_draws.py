"""Films drawn afresh for the locator: the same by seed, masks that follow their films, negatives without lungs."""

import numpy as np
import pytest

from edge_app.imaging.phantom import PhantomStyle, draw_phantom, phantom_lung_mask
from train.data.labelled import LabelledFilm
from train.data.lung_masks import SIDE_PX, MaskedFilms
from train.data.lungs.consolidation import lung_bases, lung_sides, painted, with_gas
from train.data.lungs.draws import CELL_PX, coverage_of, draw_batch, draw_one
from train.data.lungs.geometry import LocatorRanges, drawn_place, moved
from train.data.lungs.negatives import NEGATIVES, draw_negative

SIDE = 32


@pytest.fixture(scope="module")
def films() -> MaskedFilms:
    """Four phantoms."""
    style = PhantomStyle(SIDE_PX, SIDE_PX)
    drawn = [draw_phantom("normal", seed, style) for seed in range(4)]
    masks = [phantom_lung_mask(seed, style) for seed in range(4)]
    labelled = tuple(LabelledFilm(f"film{seed}", "normal", f"child{seed}", drawn[seed]) for seed in range(4))
    return MaskedFilms(labelled, np.stack(drawn), np.stack(masks))


def test_the_same_seed_draws_the_same_batch(films: MaskedFilms) -> None:
    one, same, other = (draw_batch(films, LocatorRanges(), SIDE, 8, seed) for seed in [(0, 1), (0, 1), (0, 2)])
    assert np.array_equal(one.pixels, same.pixels)
    assert np.array_equal(one.coverage, same.coverage)
    assert not np.array_equal(one.pixels, other.pixels)


def test_a_batch_has_the_shapes_and_ranges_of_the_network(films: MaskedFilms) -> None:
    batch = draw_batch(films, LocatorRanges(), SIDE, 24, (3,))
    assert batch.pixels.shape == (24, SIDE, SIDE)
    assert batch.pixels.dtype == np.uint8
    assert batch.coverage.shape == (24, SIDE // CELL_PX, SIDE // CELL_PX)
    assert batch.coverage.min() >= 0
    assert batch.coverage.max() <= 1
    lungs = batch.coverage.sum(axis=(1, 2)) > 0
    assert 0 < lungs.sum() < 24  # films and pictures without lungs


def test_enough_of_each_lung_stays_on_the_film(films: MaskedFilms) -> None:
    ranges = LocatorRanges(negative_share=0, phantom_share=0, frame_probability=0)
    for seed in range(20):
        _, coverage = draw_one(films, ranges, SIDE, np.random.default_rng(seed))
        assert coverage.sum() > 0.02 * coverage.size


def test_film_and_mask_go_to_the_same_place(films: MaskedFilms) -> None:
    # A film that is its own mask: whatever the place, both come out alike.
    for seed in range(5):
        place = drawn_place(LocatorRanges(), SIDE, np.random.default_rng(seed))
        film = moved(films.masks[0], place, SIDE, 0.0)
        assert np.allclose(coverage_of(film), coverage_of(moved(films.masks[0], place, SIDE, 0.0)))
    whole = (SIDE_PX / SIDE / 2, 0.0, 0.0, 0.0, SIDE_PX / SIDE / 2, 0.0)
    share = coverage_of(moved(films.masks[0], whole, SIDE, 0.0)).mean()
    assert share == pytest.approx((films.masks[0] > 0).mean(), abs=0.01)


@pytest.mark.parametrize("kind", NEGATIVES)
def test_every_kind_of_picture_without_lungs_can_be_drawn(films: MaskedFilms, kind: str) -> None:
    for seed in range(3):
        picture = draw_negative(films, LocatorRanges(), SIDE, np.random.default_rng(seed), kind)
        assert picture.shape == (SIDE, SIDE)
        assert picture.dtype == np.uint8


def test_shares_of_the_kinds_add_up() -> None:
    assert sum(share for share, _ in NEGATIVES.values()) == pytest.approx(1)


def test_the_two_lungs_share_nothing_and_make_up_the_mask(films: MaskedFilms) -> None:
    left, right = lung_sides(films.masks[0])
    assert not (left & right).any()
    assert np.array_equal(left | right, films.masks[0] > 0)
    assert left.sum() == pytest.approx(right.sum(), rel=0.2)
    assert np.flatnonzero(left.any(axis=0)).max() < np.flatnonzero(right.any(axis=0)).min()


def test_bases_are_the_lowest_part(films: MaskedFilms) -> None:
    bases, mask = lung_bases(films.masks[0], 0.5), films.masks[0] > 0
    rows = np.flatnonzero(mask.any(axis=1))
    assert np.array_equal(bases[rows[-1]], mask[rows[-1]])
    assert not bases[: (rows[0] + rows[-1]) // 2 - 10].any()


def test_paint_hides_the_lung_and_leaves_the_rest(films: MaskedFilms) -> None:
    left, right = lung_sides(films.masks[0])
    film = painted(films.pixels[0], left, gray=200, opacity=1.0, softness_px=3.0)
    assert (np.abs(film[left].astype(int) - 200) <= 10).mean() > 0.98  # all but the tips
    inner = right & (np.arange(SIDE_PX) > SIDE_PX // 2 + 20)
    assert np.array_equal(film[inner], films.pixels[0][inner])


def test_gas_is_dark_and_below_the_lungs(films: MaskedFilms) -> None:
    changed = 0
    for seed in range(10):
        film = with_gas(films.pixels[0], films.masks[0], np.random.default_rng(seed))
        darker = film.astype(int) < films.pixels[0].astype(int) - 20
        assert not darker[: SIDE_PX // 2].any()
        assert darker[films.masks[0] > 0].mean() < 0.01  # its soft edge may reach the lung
        changed += darker.any()
    assert changed > 5
