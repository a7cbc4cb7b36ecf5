"""What must not be scored is refused with its code; what may be scored passes."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edge_app.errors import FilmRefused
from edge_app.imaging.film import read_film
from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom
from edge_app.reading.film_checks import check_exposure
from edge_app.reading.pose import check_pose

REAL = Path(os.environ.get("CXR_DATA", Path(__file__).parents[3] / "data" / "chest_xray"))
ALIKE = PhantomStyle(width_px=448, height_px=400)


def check_film(film: np.ndarray) -> tuple[str, ...]:
    """The checks of a film when the model's card has no statistics of its training films."""
    return check_exposure(film) + check_pose(film)


def code_of(film: np.ndarray) -> str:
    with pytest.raises(FilmRefused) as refusal:
        check_film(np.ascontiguousarray(film))
    return refusal.value.code


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("seed", range(4))
def test_phantoms_of_every_kind_pass_without_a_warning(label, seed):
    assert check_film(draw_phantom(label, seed, ALIKE)) == ()


def test_exchanged_black_and_white_is_refused():
    assert code_of(255 - draw_phantom("viral", 1, ALIKE)) == "inverted"


@pytest.mark.parametrize("turns", [1, 3])
def test_film_on_its_side_is_refused(turns):
    assert code_of(np.rot90(draw_phantom("viral", 1, ALIKE), turns)) == "sideways"


def test_picture_that_is_not_a_chest_is_refused():
    noise = np.random.default_rng(0).integers(0, 255, (300, 300)).astype(np.uint8)
    assert code_of(noise) == "not_a_chest_film"
    stripes = np.tile(np.arange(400) % 64 * 4, (300, 1)).astype(np.uint8)
    assert code_of(stripes) == "not_a_chest_film"


def test_dark_flat_and_blurred_films_are_refused_far_out_and_warned_of_before():
    film = draw_phantom("normal", 2, ALIKE).astype(np.float64)
    assert code_of((film * 0.1).astype(np.uint8)) == "too_dark"
    assert "dark" in check_film((film * 0.4).astype(np.uint8))
    assert code_of((110 + film * 0.1).astype(np.uint8)) == "too_flat"
    assert "flat" in check_film((90 + film * 0.4).astype(np.uint8))
    image = Image.fromarray(film.astype(np.uint8))
    assert code_of(np.asarray(image.filter(ImageFilter.GaussianBlur(16)))) == "too_blurred"
    assert "blurred" in check_film(np.asarray(image.filter(ImageFilter.GaussianBlur(3))))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real films at {REAL}: set CXR_DATA")
def test_real_films_pass_and_the_same_films_turned_or_inverted_do_not():
    films = sorted(REAL.glob("train/*/*.jp*g"))[::40]
    assert films
    for path in films:
        pixels = read_film(path).pixels
        check_film(pixels)
        assert code_of(255 - pixels) == "inverted"
        assert code_of(np.rot90(pixels)) in ("sideways", "inverted")
