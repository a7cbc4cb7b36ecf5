"""Films read once more: what surrounds their lungs, and whole films as a model sees them."""

from dataclasses import replace

import numpy as np
import pytest

from edge_app.imaging.lung_field import LungField
from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom
from edge_app.model.preparation import Preparation
from train.data.labelled import DataSet, LabelledFilm
from train.data.loading import LoadedFilms, load_films
from train.data.locator_files import find_locator, preparation_of
from train.data.whole_films import MARGIN_DIVISOR, SIDE_PX, cropped, prepared, views_of, whole_films, with_context

SIZE_PX = 64
MARGIN_PX = SIZE_PX // MARGIN_DIVISOR


@pytest.fixture(scope="module")
def preparation() -> Preparation:
    return preparation_of(SIZE_PX, find_locator(None))


def _loaded(preparation: Preparation, *films: np.ndarray) -> LoadedFilms:
    labelled = tuple(LabelledFilm(f"{row}", LABELS[row % 3], f"{row}", film) for row, film in enumerate(films))
    labels = LABELS[: len(films)]
    return load_films(DataSet("drawn", labels, labelled, "", ""), preparation)


@pytest.fixture(scope="module")
def films(preparation: Preparation) -> LoadedFilms:
    """Phantoms of several shapes."""
    shapes = ((256, 224), (200, 320), (300, 200))
    return _loaded(
        preparation,
        *(draw_phantom(label, seed, PhantomStyle(*shapes[seed], noise=0.0)) for seed, label in enumerate(LABELS)),
    )


def test_middle_of_the_context_is_what_the_model_sees(films: LoadedFilms) -> None:
    wide = with_context(films)
    assert wide.shape == (3, SIZE_PX + 2 * MARGIN_PX, SIZE_PX + 2 * MARGIN_PX)
    middle = wide[:, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX].astype(int)
    assert np.abs(middle - films.pixels).mean() < 3


def test_context_are_the_film_where_it_goes_on_and_black_where_it_ends() -> None:
    """A gray ramp, whose place is read from its gray level, with a box at its right edge."""
    ramp = np.tile(np.arange(200, dtype=np.uint8) + 20, (200, 1))
    loaded = replace(_loaded(Preparation(SIZE_PX), ramp), fields=(LungField(100, 40, 200, 140),))
    loaded = replace(loaded, pixels=cropped(loaded, loaded.fields, SIZE_PX))
    wide = with_context(loaded)[0]
    middle_row = wide[wide.shape[0] // 2]
    assert (middle_row[-MARGIN_PX + 1 :] == 0).all(), "beyond the film is black"
    assert middle_row[MARGIN_PX + 4] > 5
    assert (wide[: MARGIN_PX - 1, MARGIN_PX + 8 : -MARGIN_PX - 1] > 5).all(), "above the box the film goes on"
    # The film goes on to the left, too, but is darker than what the box's stretch makes black.
    bright = replace(loaded, films=_loaded(Preparation(SIZE_PX), ramp[:, ::-1].copy()).films)
    left = with_context(bright)[0][wide.shape[0] // 2, : MARGIN_PX - 1]
    assert (left == 255).all(), "brighter than the box, by the box's own stretch"


def test_whole_film_has_black_context() -> None:
    wide = with_context(_loaded(Preparation(SIZE_PX), draw_phantom("normal", 1)))[0]
    assert wide[: MARGIN_PX - 1].max() == wide[:, : MARGIN_PX - 1].max() == 0
    assert wide[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX].max() == 255


def test_films_cropped_to_their_own_fields_are_the_models_pixels(films: LoadedFilms) -> None:
    assert np.array_equal(cropped(films, films.fields, SIZE_PX), films.pixels)
    whole = cropped(films, (None,) * 3, SIZE_PX)
    assert not np.array_equal(whole, films.pixels)


def test_views_are_what_the_device_shows_its_locator(films: LoadedFilms, preparation: Preparation) -> None:
    assert preparation.locator is not None
    views, sizes = views_of(films, preparation.locator.input_size_px)
    assert sizes == [(256, 224), (200, 320), (300, 200)]
    for view, film in zip(views, films.films, strict=True):
        assert np.array_equal(view, preparation.whole(film.read().pixels))


def test_film_on_which_no_lungs_are_found_is_shown_whole_and_counted(
    films: LoadedFilms, preparation: Preparation
) -> None:
    whole = np.array(whole_films(films))
    assert whole.shape == (3, SIDE_PX, SIDE_PX)
    whole[1] = np.linspace(0, 255, SIDE_PX, dtype=np.uint8)
    pixels, missed = prepared(whole, 3, preparation)
    assert missed == 1
    assert np.array_equal(pixels[1], Preparation(SIZE_PX).prepare(whole[1])[0])
    assert np.array_equal(pixels[0], preparation.prepare(whole[0])[0])
