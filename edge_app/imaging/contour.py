"""The contour of the evidence as polygons, for a page that draws it at any size (marching squares, Lorensen 1987)."""

import numpy as np
from PIL import Image

from edge_app.imaging.heatmap import CONTOUR_LEVEL, WHOLE_FILM, Field

FINER = 4  # times the evidence's own grid
Point = tuple[float, float]
# By which corners are inside (top left 1, top right 2, bottom right 4, bottom left 8): from which side of the cell to
# which the contour runs, with the inside on its left. Sides: 0 top, 1 right, 2 bottom, 3 left.
SEGMENTS = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 0), (1, 2)), 6: ((0, 2),), 7: ((3, 2),),
    8: ((2, 3),), 9: ((2, 0),), 10: ((0, 1), (2, 3)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip


def contour_polygons(evidence: np.ndarray, field: Field | None) -> list[list[Point]]:
    """Closed polygons around the places whose evidence is at least CONTOUR_LEVEL.

    Args:
        evidence: float, shape (rows, columns), 0..1, of the lung field.
        field: where the lung field lies; None for the whole film.
    Returns:
        Points (x, y) as fractions 0..1 of the film; no polygons where there is no such evidence.
    """
    rows, columns = (FINER * side for side in evidence.shape)
    fine = Image.fromarray(evidence.astype(np.float32)).resize((columns, rows), Image.Resampling.BICUBIC)
    grid = np.pad(np.asarray(fine), 1, constant_values=-1.0)  # so that every contour closes
    left, top, right, bottom = field or WHOLE_FILM

    def place(edge: tuple[int, int, int]) -> Point:
        row, column, is_upright = edge
        first, second = grid[row, column], grid[row + is_upright, column + 1 - is_upright]
        share = (CONTOUR_LEVEL - first) / (second - first)
        x, y = column + share * (1 - is_upright), row + share * is_upright
        across, down = (min(1.0, max(0.0, (end - 0.5) / size)) for end, size in ((x, columns), (y, rows)))
        return round(left + across * (right - left), 4), round(top + down * (bottom - top), 4)

    following = _segments(grid >= CONTOUR_LEVEL)
    polygons = []
    while following:
        edge, after = following.popitem()
        polygon = [place(edge)]
        while after in following:
            polygon.append(place(after))
            after = following.pop(after)
        polygons.append(polygon)
    return polygons


def _segments(inside: np.ndarray) -> dict[tuple[int, int, int], tuple[int, int, int]]:
    """From each edge of the grid that the contour crosses to the next: row, column, and 1 for an upright edge."""
    corners = 1 * inside[:-1, :-1] + 2 * inside[:-1, 1:] + 4 * inside[1:, 1:] + 8 * inside[1:, :-1]
    following = {}
    for row, column in np.argwhere((corners > 0) & (corners < 15)).tolist():
        sides = ((row, column, 0), (row, column + 1, 1), (row + 1, column, 0), (row, column, 1))
        for start, end in SEGMENTS[int(corners[row, column])]:
            following[sides[start]] = sides[end]
    return following
