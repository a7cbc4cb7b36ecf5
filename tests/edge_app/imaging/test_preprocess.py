import numpy as np
import pytest

from edge_app.imaging.phantom import draw_phantom
from edge_app.imaging.preprocess import to_model_pixels


def test_a_square_film_of_the_models_size_is_only_stretched() -> None:
    # By hand: 100 gray levels, 50..149, each 64 times. One percent lies at level 50, 99% at 148, so
    # level 99 becomes (99 - 50) * 255 / 98 = 127.5, rounded up.
    film = np.repeat(np.arange(50, 150, dtype=np.uint8), 64).reshape(80, 80)
    pixels = to_model_pixels(film, 80)
    assert pixels[film == 50].max() == 0
    assert set(pixels[film == 99]) == {128}
    assert pixels[film >= 148].min() == 255


@pytest.mark.parametrize("shape", [(176, 208), (300, 120), (96, 96), (1500, 1100)])
def test_any_shape_becomes_the_models_square(shape: tuple[int, int]) -> None:
    film = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pixels = to_model_pixels(film, 160)
    assert pixels.shape == (160, 160)
    assert pixels.dtype == np.uint8


def test_brightness_and_contrast_of_the_export_do_not_reach_the_model() -> None:
    film = draw_phantom("bacterial", seed=3)
    darker = (film.astype(int) // 2 + 10).astype(np.uint8)
    difference = np.abs(to_model_pixels(film, 128).astype(int) - to_model_pixels(darker, 128))
    assert difference.max() <= 6  # halving the gray levels rounds; a step of 2 levels is stretched


def test_two_gray_levels_are_enough() -> None:
    film = np.zeros((128, 128), dtype=np.uint8)
    film[:64] = 7
    assert set(np.unique(to_model_pixels(film, 128))) == {0, 255}
