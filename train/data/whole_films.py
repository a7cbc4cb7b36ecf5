"""Films read once more, for what their prepared pixels do not show: whole films, and what surrounds the lungs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np

from edge_app.errors import FilmRefused
from edge_app.imaging.lung_field import LungField, crop
from edge_app.imaging.preprocess import squashed, stretch_table, to_model_pixels
from edge_app.model.preparation import Preparation
from train.data.labelled import LabelledFilm
from train.data.loading import LoadedFilms
from train.data.on_disk import stack_on_disk

Result = TypeVar("Result")
SIDE_PX = 224  # of whole films: what the films of the Guangzhou set come in
MARGIN_DIVISOR = 8  # 1/8 of the lung field's side is added at each end


def whole_films(films: LoadedFilms) -> np.ndarray:
    """The films squashed to squares, uint8 (films, SIDE_PX, SIDE_PX)."""
    return stack_on_disk(_each(films, lambda film, _: squashed(film, SIDE_PX)), len(films.films))


def prepared(whole: Iterable[np.ndarray], most: int, preparation: Preparation) -> tuple[np.ndarray, int]:
    """Whole films as a model sees them.

    Args:
        whole: uint8 (side, side) each.
        most: how many there may be.
    Returns:
        uint8 (films, size, size), and on how many no lungs were found: these are shown whole.
    """
    missed = 0

    def shown(film: np.ndarray) -> np.ndarray:
        nonlocal missed
        try:
            return preparation.prepare(film)[0]
        except FilmRefused:
            missed += 1
            return to_model_pixels(film, preparation.size_px)

    return stack_on_disk(map(shown, whole), most), missed


def with_context(films: LoadedFilms) -> np.ndarray:
    """The model's pixels with what lies around them; black beyond the film.

    The gray levels are stretched as those of the model's pixels are.

    Returns:
        uint8 (films, wide, wide), wide = size + 2 * (size // MARGIN_DIVISOR).
    """
    size_px = films.pixels.shape[1]
    return stack_on_disk(_each(films, lambda film, field: _with_context(film, field, size_px)), len(films.films))


def _with_context(film: np.ndarray, field: LungField | None, size_px: int) -> np.ndarray:
    field = field or LungField(0, 0, film.shape[1], film.shape[0])
    table = stretch_table(squashed(crop(film, field), size_px))
    margin_px = size_px // MARGIN_DIVISOR
    across = round((field.right - field.left) * margin_px / size_px)
    down = round((field.bottom - field.top) * margin_px / size_px)
    padded = np.pad(table[film], ((down, down), (across, across)))
    wide = padded[field.top : field.bottom + 2 * down, field.left : field.right + 2 * across]
    return squashed(wide, size_px + 2 * margin_px)


def views_of(films: LoadedFilms, side_px: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The films as a locator sees them, uint8 (films, side_px, side_px), and the (width, height) in pixels of each."""
    sizes = []

    def pair(film: np.ndarray, _: LungField | None) -> tuple[np.ndarray, tuple[int, int]]:
        return to_model_pixels(film, side_px), (film.shape[1], film.shape[0])

    def views() -> Iterator[np.ndarray]:
        for view, size in _each(films, pair):
            sizes.append(size)
            yield view

    return stack_on_disk(views(), len(films.films)), sizes


def cropped(films: LoadedFilms, fields: Sequence[LungField | None], size_px: int) -> np.ndarray:
    """The films cropped to other lung fields than their own, as a model sees them, uint8 (films, size_px, size_px).

    A film whose field is None is shown whole.
    """
    shown = _each(
        replace(films, fields=tuple(fields)),
        lambda film, field: to_model_pixels(crop(film, field) if field else film, size_px),
    )
    return stack_on_disk(shown, len(films.films))


def _each(films: LoadedFilms, change: Callable[[np.ndarray, LungField | None], Result]) -> Iterator[Result]:
    def changed(pair: tuple[LabelledFilm, LungField | None]) -> Result:
        return change(pair[0].read().pixels, pair[1])

    def results() -> Iterator[Result]:
        with ThreadPoolExecutor() as pool:  # Pillow releases the lock while it decodes
            yield from pool.map(changed, zip(films.films, films.fields, strict=True))

    return results()
