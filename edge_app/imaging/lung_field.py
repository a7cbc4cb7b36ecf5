"""The lung field: the box around the lungs in the original film, from the locator's mask.

From the mask to the box all arithmetic is on integers, so the same mask gives the same box on
every machine, in training and on the device. Where runtimes round the mask differently, the ends
of the box move little: each is the mean place of the outermost 2% of the lungs' area, which, other
than a percentile, cannot jump, and is then rounded to 1/64 of the film's side.
"""

from dataclasses import dataclass

import numpy as np

FULL = 255  # coverage of a cell that is all lung
RAMP = 2.0  # logits from -RAMP to RAMP become coverages of 0 to FULL
TAIL_DIVISOR = 50  # the outermost 1/50 of the lungs' area, at each end, is where the lungs end
MARGIN_PERCENT = 6  # of the lungs' extent, added at each end
STEPS = 64  # the box's ends are whole multiples of 1/64 of the film's side: coarse, so that rounding seldom moves one
MINIMUM_PERMILLE = 50  # less lung than this share of the film is no lungs; a child's film at half the scale has more
SMALLEST_GRID, LARGEST_GRID = 8, 512  # cells along a side of a mask
LARGEST_RATIO = 4  # of the lungs' extents along the two sides; beyond it they are no lungs
UNSURE_PERCENT = 50  # of the lung's cells; 1 of the 5,216 training films has more undecided cells
CUT_OFF_PERCENT = 35  # of the lungs' extent along an edge; less touches it by chance
# A film of half the lungs: they touch its upper or lower edge with so much of their width, or with a quarter of it
# where they are much lower than wide. 10 of the 5,216 training films are such; in each, tops or bases are missing.
CUT_THROUGH_PERCENT = 70
LOW_CUT_PERCENT, LOW_PERCENT = 25, 70  # the quarter; and their height, of their width on the film
_FINE = 4096  # parts of a cell in which ends are computed


@dataclass(frozen=True)
class LungField:
    """A box in whole pixels of the original film; `right` and `bottom` are one past the last pixel."""

    left: int
    top: int
    right: int
    bottom: int

    def as_fractions(self, width_px: int, height_px: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom as fractions of the film's width and height, 0 to 1."""
        return self.left / width_px, self.top / height_px, self.right / width_px, self.bottom / height_px


def lung_coverage(logits: np.ndarray) -> np.ndarray:
    """How much of each cell is lung.

    Args:
        logits: the locator's output in real units, float32 (rows, columns); above 0 is lung.
    Returns:
        uint8 of the same shape, 0 to FULL. A ramp and no exponential: every machine rounds it alike.
    """
    scaled = (logits.astype(np.float64) + RAMP) * (FULL / (2 * RAMP))
    return np.floor(np.clip(scaled, 0, FULL) + 0.5).astype(np.uint8)


def lung_field(coverage: np.ndarray, width_px: int, height_px: int) -> LungField | None:
    """The box around the lungs, with its margin, clipped to the film.

    If one cell's coverage changes by one step and there is a box before and after, no end of it
    moves by more than `largest_move` says.

    Args:
        coverage: uint8 (rows, columns), from `lung_coverage`, or a mask of 0 and FULL.
        width_px: width of the original film.
        height_px: its height.
    Returns:
        None when there are no lungs: too little area, none that is more lung than not, or an area too narrow to be
        two lungs.
    Raises:
        ValueError: the coverage is of an impossible type or shape, or the film is empty.
    """
    _check(coverage, width_px, height_px)
    cells = coverage.astype(np.int64)
    if int(cells.sum()) * 1000 < MINIMUM_PERMILLE * FULL * cells.size or not _lung(coverage).any():
        return None
    across, down = _extent(cells.sum(axis=0)), _extent(cells.sum(axis=1))
    if not _can_be_lungs(across, down):
        return None
    left, right = _pixels(across, width_px)
    top, bottom = _pixels(down, height_px)
    return LungField(left, top, right, bottom)


def are_cut_off(coverage: np.ndarray) -> bool:
    """Whether the film ends within the lungs: much of the lungs' extent along an edge lies in the outermost cells.

    Args:
        coverage: uint8 (rows, columns), with a lung field.
    """
    lung = _lung(coverage)
    across, down = (int(lung.any(axis=axis).sum()) for axis in (0, 1))
    edges = ((lung[0], across), (lung[-1], across), (lung[:, 0], down), (lung[:, -1], down))
    return any(int(edge.sum()) * 100 >= CUT_OFF_PERCENT * extent for edge, extent in edges)


def are_cut_through(coverage: np.ndarray, width_px: int, height_px: int) -> bool:
    """Whether the film shows only half of the lungs: it ends in the middle of them, above or below.

    Args:
        coverage: uint8 (rows, columns), of any picture.
        width_px: width of that picture.
        height_px: its height.
    """
    lung = _lung(coverage)
    across, down = (int(lung.any(axis=axis).sum()) for axis in (0, 1))
    edge = max(int(lung[0].sum()), int(lung[-1].sum()))
    rows, columns = lung.shape
    are_low = down * height_px * columns * 100 < LOW_PERCENT * across * width_px * rows
    return across > 0 and edge * 100 >= (LOW_CUT_PERCENT if are_low else CUT_THROUGH_PERCENT) * across


def is_unsure(coverage: np.ndarray) -> bool:
    """Whether the mask is half-decided, as on pictures that are no frontal chest films.

    Args:
        coverage: uint8 (rows, columns), with a lung field.
    """
    lung = int(_lung(coverage).sum())
    undecided = int(np.count_nonzero((coverage > FULL // 10) & (coverage < FULL - FULL // 10)))
    return undecided * 100 > UNSURE_PERCENT * lung


def crop(film: np.ndarray, field: LungField) -> np.ndarray:
    """The part of a film (height, width) inside the lung field, copied, because Pillow takes long over a view."""
    return np.ascontiguousarray(film[field.top : field.bottom, field.left : field.right])


def largest_move(cells: int) -> float:
    """How far one step of coverage in one cell can move an end, as a fraction of the film's side.

    The step puts at most one unit of area in another place of the outermost part and makes that
    part at most one unit larger, and a unit counts 1 / (least area that is lungs / TAIL_DIVISOR)
    of the side; the third unit is for the spread within a cell. Margin and rounding come on top.

    Args:
        cells: rows times columns of the mask.
    """
    least_tail = MINIMUM_PERMILLE * FULL * cells // 1000 // TAIL_DIVISOR
    return (1 + 2 * MARGIN_PERCENT / 100) * 3 / least_tail + 1 / STEPS


def _lung(coverage: np.ndarray) -> np.ndarray:
    """Which cells are more lung than not."""
    return coverage > FULL // 2


def _check(coverage: np.ndarray, width_px: int, height_px: int) -> None:
    sides_fit = coverage.ndim == 2 and all(SMALLEST_GRID <= side <= LARGEST_GRID for side in coverage.shape)
    if coverage.dtype != np.uint8 or not sides_fit:
        raise ValueError(
            f"the lung mask is {coverage.dtype} {coverage.shape}, expected uint8 with "
            f"{SMALLEST_GRID} to {LARGEST_GRID} rows and columns"
        )
    if width_px < 1 or height_px < 1:
        raise ValueError(f"the film is {width_px} x {height_px} px, expected at least 1 x 1")


@dataclass(frozen=True)
class _Extent:
    """Where lungs begin and end along one axis, and its length, in parts of a cell."""

    first: int
    last: int
    length: int


def _extent(profile: np.ndarray) -> _Extent:
    """From coverage summed over the other axis, int64 (cells,)."""
    length = len(profile) * _FINE
    return _Extent(_end(profile), length - _end(profile[::-1]), length)


def _can_be_lungs(across: _Extent, down: _Extent) -> bool:
    """Whether neither side of the box is far longer than the other, as shares of the film's sides."""
    wide = (across.last - across.first) * down.length
    high = (down.last - down.first) * across.length
    return wide <= LARGEST_RATIO * high and high <= LARGEST_RATIO * wide


def _pixels(extent: _Extent, side_px: int) -> tuple[int, int]:
    """First pixel and one past the last, with the margin."""
    margin = (extent.last - extent.first) * MARGIN_PERCENT // 100
    first = max(_rounded((extent.first - margin) * STEPS, extent.length), 0)
    last = min(_rounded((extent.last + margin) * STEPS, extent.length), STEPS)
    return first * side_px // STEPS, -(-last * side_px // STEPS)


def _end(profile: np.ndarray) -> int:
    """Mean place of the first 1/TAIL_DIVISOR of a profile, in parts of a cell from its start.

    It is the mean of the quantiles up to 1/TAIL_DIVISOR; a cell's area counts as spread evenly in it.
    """
    tail = int(profile.sum()) // TAIL_DIVISOR
    before = np.cumsum(profile) - profile
    taken = np.clip(tail - before, 0, profile)
    # The part taken from cell i lies between i and i + taken / profile: its middle, times 2.
    twice_middle = 2 * _FINE * np.arange(len(profile)) + _FINE * taken // np.maximum(profile, 1)
    return int((taken * twice_middle).sum()) // (2 * tail)


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number to the quotient; halves go up."""
    return (2 * numerator + denominator) // (2 * denominator)
