"""From a decoded film to the model's input. Training and the device both call this, so they agree.

Two steps. The film is squashed to a square: the training films are already squashed, so their
aspect ratio is unknown. Then the gray levels between the 1st and the 99th percentile are stretched to
0..255, so that exposure and window settings do not affect the model.
"""

import numpy as np
from PIL import Image

PREPROCESSING_ID = "squash-stretch"
PREPROCESSING_VERSION = 1
LOW_PERCENTILE = 1.0
HIGH_PERCENTILE = 99.0


def to_model_pixels(film: np.ndarray, size_px: int) -> np.ndarray:
    """Turn a decoded film into the pixels the model sees.

    Args:
        film: uint8, shape (height, width), bright is dense.
        size_px: side of the model's square input.
    Returns:
        uint8, shape (size_px, size_px).
    """
    # Pillow's resampling widens the filter when it shrinks, so nothing aliases, and works in
    # integers, so every machine gets the same bits.
    image = Image.fromarray(film).resize((size_px, size_px), Image.Resampling.BILINEAR)
    return _stretched(np.asarray(image))


def _stretched(pixels: np.ndarray) -> np.ndarray:
    """Stretch the gray levels by a table of 256 entries: exact, and the same on every machine."""
    counts = np.cumsum(np.bincount(pixels.ravel(), minlength=256))
    low = int(np.searchsorted(counts, LOW_PERCENTILE / 100 * pixels.size))
    high = int(np.searchsorted(counts, HIGH_PERCENTILE / 100 * pixels.size))
    span = max(high - low, 1)
    levels = np.arange(256) - low
    table = np.clip((levels * 255 + span // 2) // span, 0, 255).astype(np.uint8)
    return table[pixels]
