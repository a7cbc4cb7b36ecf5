"""From gray levels to the pixels that a network sees, the locator of a whole film, the classifier of its lung field.

Two steps. The film is squashed to a square: the training films are already squashed, so their
aspect ratio is unknown. Then the gray levels between the 1st and the 99th percentile are stretched to
0..255, so that exposure and window settings do not affect the model.
"""

import numpy as np
from PIL import Image

WHOLE_FILM = ("squash-stretch", 1)  # name and version of the preprocessing, as a model's card states them
LUNG_FIELD = ("lung-field", 1)  # the same two steps, on the film cropped to its lung field
LOW_PERCENTILE = 1.0
HIGH_PERCENTILE = 99.0
MAX_REDUCTION = 8  # while a film is read, as a JPEG decoder reduces it
REDUCING_GAP = 3.0  # a film is reduced to no less than this many times the size


def to_model_pixels(film: np.ndarray, size_px: int) -> np.ndarray:
    """Turn a decoded film into the pixels the model sees.

    Args:
        film: uint8, shape (height, width), bright is dense.
        size_px: side of the model's square input.
    Returns:
        uint8, shape (size_px, size_px).
    """
    pixels = squashed(film, size_px)
    return stretch_table(pixels)[pixels]


def squashed(film: np.ndarray, size_px: int) -> np.ndarray:
    """A film, uint8 (height, width), as uint8 (size_px, size_px).

    Pillow's resampling widens the filter when it shrinks, so nothing aliases, and works in integers, so
    every machine gets the same bits. A film of many times the size is first reduced by a whole factor, which takes a
    third of the time; a film of 224 px, as in training, is not.
    """
    side = (size_px, size_px)
    return np.asarray(Image.fromarray(film).resize(side, Image.Resampling.BILINEAR, reducing_gap=REDUCING_GAP))


def reduced(pixels: np.ndarray, min_side_px: int) -> np.ndarray:
    """A film, uint8 (height, width), at 1/2, 1/4 or 1/8 of its size, or as it is: means of squares of pixels.

    Both sides stay at least `min_side_px` long.
    """
    factor = MAX_REDUCTION
    while factor > 1 and min(pixels.shape) < factor * min_side_px:
        factor //= 2
    return np.asarray(Image.fromarray(pixels).reduce(factor)) if factor > 1 else pixels


def stretch_table(pixels: np.ndarray) -> np.ndarray:
    """The new value of each of the 256 gray levels, uint8 (256,): exact, and the same on every machine.

    Args:
        pixels: uint8, of any shape; their percentiles become black and white.
    """
    counts = np.cumsum(np.bincount(pixels.ravel(), minlength=256))
    low = int(np.searchsorted(counts, LOW_PERCENTILE / 100 * pixels.size))
    high = int(np.searchsorted(counts, HIGH_PERCENTILE / 100 * pixels.size))
    span = max(high - low, 1)
    levels = np.arange(256) - low
    table: np.ndarray = np.clip((levels * 255 + span // 2) // span, 0, 255).astype(np.uint8)
    return table
