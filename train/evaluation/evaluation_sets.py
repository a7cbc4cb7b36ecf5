"""The evaluation sets: the validation films as they are, redrawn so that no shortcut works, and changed
so that the two best known shortcuts, sharpness and framing, point the wrong way.

Films are changed whole, and then prepared as the device would prepare them: the locator has to find the
lungs on the changed film.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge_app.model.preparation import Preparation
from edge_app.reading.decision import p_finding
from train.data.augment import shortcut_free_draw
from train.data.labelled import Classes
from train.data.loading import LoadedFilms
from train.data.whole_films import prepared, whole_films
from train.evaluation.framing_swap import boxes_of, reframed_draw
from train.evaluation.shortcut_swap import shortcut_swapped_draw

LOG = logging.getLogger(__name__)
AS_THEY_ARE = "random"  # the name that this set has had since 0.1
DRAWS = 3  # fixed versions of every validation film


@dataclass(frozen=True)
class EvaluationSet:
    """Films to score a model on: `pixels` uint8 (films, size, size), `classes` int64 (films,).

    `draws` says how many versions of each film there are, one round of all films after the other.
    """

    name: str
    pixels: np.ndarray
    classes: np.ndarray
    negative_index: int
    draws: int = 1

    @property
    def positive(self) -> np.ndarray:
        """Whether each film has the finding, bool (films,)."""
        return self.classes != self.negative_index

    def p_finding(self, logits: np.ndarray, temperature: float) -> np.ndarray:
        """P(finding) of each film, float (films,), from a model's logits, float (films, classes)."""
        return p_finding(logits, temperature, self.negative_index)


def evaluation_sets(
    films: LoadedFilms, classes: Classes, preparation: Preparation, framing: Preparation | None = None
) -> tuple[EvaluationSet, ...]:
    """Every evaluation set, made from the validation films.

    The last one has the most films; the figures given for a threshold are measured on it.

    Args:
        films: loaded with `preparation`.
        framing: whose locator tells how films are framed; by default that of `preparation`. Without any
            locator there is no set `reframed`.
    """
    negative = classes.negative_index
    whole = whole_film_sets(films, films.classes != negative, framing or preparation)
    sets = [EvaluationSet(AS_THEY_ARE, films.pixels, films.classes, negative)]
    for name, drawn in list(whole.items())[1:]:
        pixels, missed = prepared(drawn, DRAWS * len(films.films), preparation)
        if missed:
            LOG.warning("%s: no lungs were found on %d of %d films, they are shown whole", name, missed, len(pixels))
        draws = len(pixels) // len(films.films)
        sets.append(EvaluationSet(name, pixels, np.resize(films.classes, len(pixels)), negative, draws))
    return tuple(sets)


def whole_film_sets(films: LoadedFilms, positive: np.ndarray, framing: Preparation) -> dict[str, Iterable[np.ndarray]]:
    """The whole films of every evaluation set, uint8 (side, side), drawn as they are taken; those as they are first.

    Args:
        positive: bool (films,), the films with the finding.
        framing: as for `evaluation_sets`.
    """
    whole = whole_films(films)
    sets: dict[str, Iterable[np.ndarray]] = {AS_THEY_ARE: whole}
    sets["shortcut-swapped"] = shortcut_swapped_draw(whole, positive)
    if framing.locator:
        sets["reframed"] = reframed_draw(whole, boxes_of(whole, framing), positive)
    sets["shortcut-free"] = shortcut_free_draw(whole, *range(DRAWS))
    return sets
