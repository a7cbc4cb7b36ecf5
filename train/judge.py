"""The judges: validation films as they are, and drawn afresh so that shortcuts do not work."""

from dataclasses import dataclass

import numpy as np

from train.augment import shortcut_free_draw
from train.inputs import LoadedFilms

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
