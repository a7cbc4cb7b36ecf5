"""The judges: validation films as they are, drawn afresh so that shortcuts do not work, and made
so that the best known shortcut points the wrong way.
"""

from dataclasses import dataclass

import numpy as np

from train.data.augment import shortcut_free_draw
from train.data.loading import LoadedFilms
from train.evaluation.shortcut_swap import shortcut_swapped_draw

DRAWS = 3  # fixed versions of every validation film


@dataclass(frozen=True)
class Judge:
    """Films to score a model on: `pixels` uint8 (films, size, size), `classes` int64 (films,)."""

    name: str
    pixels: np.ndarray
    classes: np.ndarray


def plain_judge(films: LoadedFilms) -> Judge:
    """The validation films as the device would see them."""
    return Judge("random", films.pixels, films.classes)


def shortcut_free_judge(films: LoadedFilms, draws: int = DRAWS) -> Judge:
    """Each film `draws` times, with resolution, sharpness, aspect, contrast and borders drawn anew."""
    pixels = np.concatenate([shortcut_free_draw(films.pixels, draw) for draw in range(draws)])
    return Judge("shortcut-free", pixels, np.tile(films.classes, draws))


def shortcut_swapped_judge(films: LoadedFilms, negative: int) -> Judge:
    """Each film with the sharpness of the other class."""
    pixels = shortcut_swapped_draw(films.pixels, films.classes != negative)
    return Judge("shortcut-swapped", pixels, films.classes)


def all_judges(films: LoadedFilms, negative: int) -> tuple[Judge, ...]:
    """Every judge; the last one has the most films, and is the one that a threshold's figures are given for."""
    return plain_judge(films), shortcut_swapped_judge(films, negative), shortcut_free_judge(films)
