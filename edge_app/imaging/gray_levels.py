"""From values of any depth to 8-bit gray levels, quickly and in little memory; whether a film has enough of them."""

import numpy as np

from edge_app.errors import FilmRefused

ROWS_AT_ONCE = 16  # so that the indices of one step stay in the processor's cache
SAMPLE_PIXELS = 16_384
# Shares of the pixels, in percent, between which a film surely has no marker and no burnt-out spot. Values
# further outside than this range is wide are cut off, so that one bright marker does not darken all else.
SURE_PERCENTILES = (2.0, 98.0)
# A film of fewer levels is a drawing, a threshold or a dithered copy. A film of so small a range is flat instead.
MIN_LEVELS = 32
# Share of the pixels between a quarter and three quarters of the range. All 5,216 training films: above 0.1.
MIN_MIDDLE_SHARE = 0.04
# Mean difference of neighbours, as a share of the range. Films: under 0.06; random dots: 0.33; dithered: 0.4.
MAX_ROUGHNESS = 0.2


def sample_of(pixels: np.ndarray) -> np.ndarray:
    """About SAMPLE_PIXELS evenly spaced pixels of a film (height, width)."""
    step = max(1, int((pixels.size / SAMPLE_PIXELS) ** 0.5))
    return pixels[::step, ::step]


def look_up(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Replace each code by its entry in a table.

    Args:
        table: uint8, one entry for each code that occurs.
        codes: unsigned integers, shape (height, width).
    Returns:
        uint8, shape (height, width).
    """
    film = np.empty(codes.shape, dtype=np.uint8)
    for top in range(0, len(codes), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        np.take(table, codes[rows], out=film[rows], mode="clip")
    return film


def range_in_use(low: float, high: float, sample: np.ndarray) -> tuple[float, float]:
    """The values to show as black and white, for a film that states none.

    Args:
        low, high: the lowest and the highest value that occurs.
        sample: values of some pixels.
    Returns:
        Both, or closer together where a few pixels lie far outside the rest.
    """
    if not sample.size:
        return low, high
    inner_low, inner_high = (float(value) for value in np.percentile(sample, SURE_PERCENTILES))
    span = inner_high - inner_low
    if span <= 0:
        return low, high
    return max(low, inner_low - span), min(high, inner_high + span)


def stretched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values as gray levels, `low` as 0 and `high` as 255; uint8 of the same shape."""
    levels = values.astype(np.float64)  # then in place: fresh memory for each step takes twice the time
    levels -= low
    levels /= max(high - low, 1e-12)
    np.clip(levels, 0.0, 1.0, out=levels)
    levels *= 255.0
    return np.round(levels, out=levels).astype(np.uint8)


def check_not_blank(film: np.ndarray) -> None:
    """Refuse a film, uint8 (height, width), of one gray level.

    Raises:
        FilmRefused: blank.
    """
    sample = sample_of(film)
    if sample.min() == sample.max() and film.min() == film.max():
        raise FilmRefused("blank", "Every pixel of the picture is the same: nothing was exposed or exported.")


def check_gray_levels(film: np.ndarray) -> None:
    """Refuse a picture that has not the gray levels of a film.

    Args:
        film: uint8, shape (height, width).
    Raises:
        FilmRefused: two_levels.
    """
    counts = np.bincount(sample_of(film).ravel(), minlength=256)
    levels = np.flatnonzero(counts)
    span = int(levels[-1] - levels[0])
    if span < 2 * MIN_LEVELS:
        return  # too flat, or saved with little contrast: `edge_app.reading.film_checks` measures that
    if len(levels) < MIN_LEVELS or middle_share(counts) < MIN_MIDDLE_SHARE or roughness(film) > MAX_ROUGHNESS * span:
        raise FilmRefused(
            "two_levels",
            "The picture is black and white, or made of dots, without a film's gray levels: export it in grayscale.",
        )


def middle_share(counts: np.ndarray) -> float:
    """The share of pixels in the middle half of the range, from a histogram of 256 levels; 0..1."""
    shares = np.cumsum(counts) / counts.sum()
    low, high = (int(np.searchsorted(shares, share)) for share in (0.01, 0.99))
    quarter = (high - low) // 4
    return float(counts[low + quarter : high - quarter + 1].sum() / counts.sum())


def roughness(film: np.ndarray) -> float:
    """Mean difference between neighbours in a row, in gray levels."""
    rows = film[:: max(1, film.size // SAMPLE_PIXELS)].astype(np.int16)
    return float(np.abs(np.diff(rows, axis=1)).mean())
