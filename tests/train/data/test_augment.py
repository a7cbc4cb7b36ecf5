import dataclasses

import numpy as np
import pytest

from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import to_model_pixels
from train.data.augment import SHORTCUT_FREE, TRAINING, augment, shortcut_free_draw
from train.data.whole_films import MARGIN_DIVISOR
from train.keras import tf

SIDE = 64
STILL = dataclasses.replace(
    TRAINING,
    **{field.name: 0 for field in dataclasses.fields(TRAINING) if field.name != "flip"},
    flip=False,
)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.stack([to_model_pixels(draw_phantom("viral", seed, PhantomStyle(noise=0.0)), SIDE) for seed in range(6)])


def _augmented(pixels: np.ndarray, ranges, seed: int) -> np.ndarray:
    return augment(tf.cast(pixels, tf.float32), ranges, tf.constant([seed, 0]), SIDE).numpy()


def _with(**ranges: object):
    return dataclasses.replace(STILL, **ranges)


def test_same_seed_draws_the_same_and_another_seed_another(pixels: np.ndarray) -> None:
    first, again, other = (_augmented(pixels, TRAINING, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_result_is_whole_gray_levels_as_the_device_sees(pixels: np.ndarray) -> None:
    drawn = _augmented(pixels, TRAINING, 3)
    assert drawn.min() >= 0
    assert drawn.max() <= 255
    assert np.array_equal(drawn, np.round(drawn))


def _wide(inside: float, outside: float) -> np.ndarray:
    """Six films of one gray level with context of another."""
    margin = SIDE // MARGIN_DIVISOR
    films = np.full((6, SIDE + 2 * margin, SIDE + 2 * margin), outside, np.float32)
    films[:, margin:-margin, margin:-margin] = inside
    return films


def test_zoomed_out_film_shows_its_context_and_not_black() -> None:
    ranges = _with(zoom=0.15, rotation_deg=3.0)
    with_context = _augmented(_wide(200, 200), ranges, 1)
    assert with_context.shape == (6, SIDE, SIDE)
    assert with_context.min() > 190
    assert _augmented(_wide(200, 200)[:, :SIDE, :SIDE], ranges, 1).min() < 100, "without context there is black"


def test_context_come_in_only_where_a_film_is_moved() -> None:
    still = _augmented(_wide(200, 50), STILL, 1)
    assert (still[:, 2:-2, 2:-2] > 195).all(), "an unmoved film shows its lung field"
    moved = _augmented(_wide(200, 50), _with(shift=0.1), 1)
    assert (moved[:, [0, -1], 8:-8] < 60).any(), "a moved one what lies around it"


def test_film_without_context_is_black_where_it_is_turned_away() -> None:
    assert (_augmented(np.full((6, SIDE, SIDE), 200), _with(rotation_deg=12), 1)[:, 0, 0] == 0).any()


def test_empty_ranges_leave_a_film_nearly_as_it_is(pixels: np.ndarray) -> None:
    assert np.abs(_augmented(pixels, STILL, 1) - pixels).mean() < 2


def _sharpness(films: np.ndarray, axis: int) -> np.ndarray:
    return np.abs(np.diff(films.astype(float), axis=axis)).mean(axis=(1, 2))


def test_sharpness_of_each_axis_is_drawn_by_itself(pixels: np.ndarray) -> None:
    films = np.repeat(pixels[:1], 64, axis=0)
    drawn = _augmented(films, _with(blur_probability=1.0, blur_px=8.0), 1)
    down, across = _sharpness(drawn, 1), _sharpness(drawn, 2)
    assert (down / across).max() > 1.3 * (down / across).min()


def test_zoom_lays_no_moire_over_an_even_film(pixels: np.ndarray) -> None:
    drawn = _augmented(np.full_like(pixels, 200), _with(zoom=0.15, aspect=0.1), 1)
    assert np.abs(drawn[:, 16:48, 16:48] - 200).max() <= 1


def test_border_is_black_and_only_at_the_border(pixels: np.ndarray) -> None:
    drawn = _augmented(np.full_like(pixels, 200), _with(border=0.2), 1)
    assert (drawn[:, 20:44, 20:44] > 190).all()
    assert (drawn[:, [0, -1], :] == 0).any()


def test_shortcut_free_draws_are_fixed_and_differ(pixels: np.ndarray) -> None:
    first, again, other = (np.stack(list(shortcut_free_draw(pixels, draw))) for draw in (0, 0, 1))
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_shortcut_free_draws_are_whole_films_and_not_stretched() -> None:
    """They are prepared after, as the device would: stretched twice, they would not be films of a department."""
    gray = np.full((6, 96, 96), 110, np.uint8)
    gray[:, ::8] = 120
    drawn = np.stack(list(shortcut_free_draw(gray, 0)))
    assert drawn.shape == gray.shape
    assert np.ptp(drawn[:, 24:72, 24:72].astype(int), axis=(1, 2)).max() < 90


def test_shortcut_free_draws_lay_no_patches_over_lungs() -> None:
    assert SHORTCUT_FREE.patches == 0
