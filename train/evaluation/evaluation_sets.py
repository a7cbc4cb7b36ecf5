"""The evaluation sets: the validation films as they are, redrawn so that no shortcut works, and
changed so that the best known shortcut points the wrong way.
"""

from dataclasses import dataclass

import numpy as np

from edge_app.reading.decision import p_finding
from train.data.augment import shortcut_free_draw
from train.data.labelled import Classes
from train.data.loading import LoadedFilms
from train.evaluation.shortcut_swap import shortcut_swapped_draw

DRAWS = 3  # fixed versions of every validation film


@dataclass(frozen=True)
class EvaluationSet:
    """Films to score a model on: `pixels` uint8 (films, size, size), `classes` int64 (films,)."""

    name: str
    pixels: np.ndarray
    classes: np.ndarray
    negative_index: int

    @property
    def positive(self) -> np.ndarray:
        """Whether each film has the finding, bool (films,)."""
        return self.classes != self.negative_index

    def p_finding(self, logits: np.ndarray, temperature: float) -> np.ndarray:
        """P(finding) of each film, float (films,), from a model's logits, float (films, classes)."""
        return p_finding(logits, temperature, self.negative_index)


def evaluation_sets(films: LoadedFilms, classes: Classes) -> tuple[EvaluationSet, ...]:
    """Every evaluation set, made from the validation films.

    The last one has the most films; the figures given for a threshold are measured on it.
    """
    negative = classes.negative_index
    swapped = shortcut_swapped_draw(films.pixels, films.classes != negative)
    redrawn = np.concatenate([shortcut_free_draw(films.pixels, draw) for draw in range(DRAWS)])
    return (
        EvaluationSet("random", films.pixels, films.classes, negative),
        EvaluationSet("shortcut-swapped", swapped, films.classes, negative),
        EvaluationSet("shortcut-free", redrawn, np.tile(films.classes, DRAWS), negative),
    )
