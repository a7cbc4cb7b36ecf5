import dataclasses

import numpy as np
import pytest

from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import to_model_pixels
from train.data.augment import SHORTCUT_FREE, TRAINING, augment, shortcut_free_draw
from train.keras import tf

STILL = dataclasses.replace(
    TRAINING,
    **{field.name: 0 for field in dataclasses.fields(TRAINING) if field.name != "flip"},
    flip=False,
)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.stack([to_model_pixels(draw_phantom("viral", seed, PhantomStyle(noise=0.0)), 64) for seed in range(6)])


def _augmented(pixels: np.ndarray, ranges, seed: int) -> np.ndarray:
    return augment(tf.cast(pixels, tf.float32), ranges, tf.constant([seed, 0])).numpy()


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
    first, again, other = (shortcut_free_draw(pixels, draw) for draw in (0, 0, 1))
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_shortcut_free_draws_lay_no_patches_over_lungs() -> None:
    assert SHORTCUT_FREE.patches == 0
