"""Validation films on which the known shortcut points the wrong way.

Films of normal chests are sharper than those of pneumonia in this data set, more so from top to
bottom. Here each film gets, axis by axis, the sharpness of the film at its rank in the other class:
the sharpest normal film becomes as soft as the sharpest film of pneumonia, and so on. A model that
relies on sharpness fails on these films; one that reads lungs does not.
"""

import numpy as np

from train.data.augment import sharpness_matrix

# Blur in pixels of a film of SIDE_OF_UNITS_PX, and weight of the unsharp mask: softest to sharpest.
STRENGTHS = tuple((blur, 0.0) for blur in np.linspace(3.0, 0.0, 21)) + tuple(
    (0.0, weight) for weight in np.linspace(0.15, 3.0, 20)
)
DOWN, ACROSS = 1, 2  # axes of (films, rows, columns)


def shortcut_swapped_draw(films: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Give each film the sharpness of its counterpart in the other class.

    Args:
        films: uint8 (films, side, side), whole films.
        positive: bool (films,), the films of pneumonia.
    Returns:
        uint8 of the same shape.
    """
    changed = films.astype(np.float32)
    for axis in (DOWN, ACROSS):
        targets = swapped_by_rank(sharpness(changed, axis), positive)
        changed = _with_sharpness(changed, axis, targets)
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


def sharpness(films: np.ndarray, axis: int) -> np.ndarray:
    """Mean absolute step between neighbours along one axis, in gray levels, float64 (films,)."""
    return np.abs(np.diff(films, axis=axis)).mean(axis=(1, 2), dtype=np.float64)


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


def _with_sharpness(films: np.ndarray, axis: int, targets: np.ndarray) -> np.ndarray:
    """Blur or sharpen each film along an axis, by the strength that comes nearest to its target."""
    best, distance = films.copy(), np.full(len(films), np.inf)
    for blur, weight in STRENGTHS:
        changed = _along(films, axis, sharpness_matrix(films.shape[1], blur, weight))
        missed = np.abs(sharpness(changed, axis) - targets)
        nearer = missed < distance
        best[nearer], distance[nearer] = changed[nearer], missed[nearer]
    return best


def _along(films: np.ndarray, axis: int, matrix: np.ndarray) -> np.ndarray:
    return matrix @ films if axis == DOWN else films @ matrix.T
