"""Validation films on which the known shortcut points the wrong way.

Films of normal chests are sharper than those of pneumonia in this data set, more so from top to
bottom. Here each film gets, axis by axis, the sharpness of the film at its rank in the other class:
the sharpest normal film becomes as soft as the sharpest film of pneumonia, and so on. A model that
relies on sharpness fails on these films; one that reads lungs does not.
"""

from collections.abc import Iterator

import numpy as np

from train.data.augment import sharpness_matrix
from train.data.on_disk import stack_on_disk

# Blur in pixels of a film of SIDE_OF_UNITS_PX, and weight of the unsharp mask: softest to sharpest.
STRENGTHS = tuple((blur, 0.0) for blur in np.linspace(3.0, 0.0, 21)) + tuple(
    (0.0, weight) for weight in np.linspace(0.15, 3.0, 20)
)
DOWN, ACROSS = 1, 2  # axes of (films, rows, columns)
CHUNK = 64  # films in memory at once


def shortcut_swapped_draw(films: np.ndarray, positive: np.ndarray) -> Iterator[np.ndarray]:
    """Give each film the sharpness of its counterpart in the other class.

    Args:
        films: uint8 (films, side, side), whole films.
        positive: bool (films,), the films of pneumonia.
    Yields:
        uint8 (side, side), film by film.
    """
    matrices = [sharpness_matrix(films.shape[1], *strength) for strength in STRENGTHS]
    changed = films
    for axis in (DOWN, ACROSS):
        targets = swapped_by_rank(sharpness(changed, axis), positive)
        changed = stack_on_disk(_with_sharpness(changed, axis, targets, matrices), len(films))
    yield from (np.clip(np.rint(film), 0, 255).astype(np.uint8) for film in changed)


def sharpness(films: np.ndarray, axis: int) -> np.ndarray:
    """Mean absolute step between neighbours along one axis, in gray levels, float64 (films,)."""
    steps = (np.diff(films[start : start + CHUNK].astype(np.float32), axis=axis) for start in _starts(films))
    return np.concatenate([np.abs(step).mean(axis=(1, 2), dtype=np.float64) for step in steps])


def swapped_by_rank(values: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """For each value, the value at the same quantile of the other side.

    Args:
        values: float (films,).
        positive: bool (films,): the two sides.
    """
    swapped = np.empty_like(values)
    for side in (positive, ~positive):
        ranks = np.argsort(np.argsort(values[side]))
        swapped[side] = np.quantile(values[~side], (ranks + 0.5) / side.sum())
    return swapped


def _with_sharpness(
    films: np.ndarray, axis: int, targets: np.ndarray, matrices: list[np.ndarray]
) -> Iterator[np.ndarray]:
    """Blur or sharpen each film along an axis, by the matrix that comes nearest to its target."""
    for start in _starts(films):
        chunk = films[start : start + CHUNK].astype(np.float32)
        best, distance = chunk.copy(), np.full(len(chunk), np.inf)
        for matrix in matrices:
            changed = matrix @ chunk if axis == DOWN else chunk @ matrix.T
            missed = np.abs(sharpness(changed, axis) - targets[start : start + CHUNK])
            nearer = missed < distance
            best[nearer], distance[nearer] = changed[nearer], missed[nearer]
        yield from best


def _starts(films: np.ndarray) -> range:
    return range(0, len(films), CHUNK)
