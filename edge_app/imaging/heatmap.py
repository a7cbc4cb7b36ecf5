"""The heatmap: the class map of the inference that gave the decision, laid over the film."""

import numpy as np
from PIL import Image

# Anchors of the colour map "inferno" (CC0, van der Walt and Smith): readable for colour-blind people
# and in gray print. Colours between them are interpolated.
ANCHORS = np.array(
    [
        [0, 0, 4],
        [40, 11, 84],
        [101, 21, 110],
        [159, 42, 99],
        [212, 72, 66],
        [245, 125, 21],
        [250, 193, 39],
        [252, 255, 164],
    ],
    dtype=np.float64,
)
MAX_OPACITY = 0.6
DISPLAY_SIDE_PX = 768
LAYER_SIDE_PX = 160


def overlay(film: np.ndarray, evidence: np.ndarray, opacity: float = MAX_OPACITY) -> Image.Image:
    """Colour the film by the evidence; where there is none, the film is unchanged.

    Args:
        film: uint8, shape (height, width).
        evidence: float, shape (rows, columns), 0..1.
        opacity: 0..1, of the strongest evidence.
    Returns:
        RGB, of the film's shape, its longer side at most DISPLAY_SIDE_PX.
    """
    base = display_image(film)
    heat = Image.fromarray(evidence.astype(np.float32)).resize(base.size, Image.Resampling.BICUBIC)
    strength = np.clip(np.asarray(heat), 0.0, 1.0)
    gray = np.repeat(np.asarray(base, dtype=np.float64)[:, :, None], 3, axis=2)
    weight = (opacity * strength)[:, :, None]
    mixed = gray * (1 - weight) + _coloured(strength) * weight
    return Image.fromarray(np.round(mixed).astype(np.uint8))


def overlay_layer(evidence: np.ndarray) -> Image.Image:
    """The colours alone, transparent where there is no evidence, to be stretched over the film.

    Args:
        evidence: float, shape (rows, columns), 0..1.
    Returns:
        RGBA, LAYER_SIDE_PX square; opaque at full evidence.
    """
    side = (LAYER_SIDE_PX, LAYER_SIDE_PX)
    heat = Image.fromarray(evidence.astype(np.float32)).resize(side, Image.Resampling.BICUBIC)
    strength = np.clip(np.asarray(heat), 0.0, 1.0)
    layer = np.dstack([_coloured(strength), 255 * strength])
    return Image.fromarray(np.round(layer).astype(np.uint8))


def display_image(film: np.ndarray) -> Image.Image:
    """The film, its longer side at most DISPLAY_SIDE_PX, for a screen."""
    image = Image.fromarray(film)
    image.thumbnail((DISPLAY_SIDE_PX, DISPLAY_SIDE_PX), Image.Resampling.BOX)
    return image


def _coloured(strength: np.ndarray) -> np.ndarray:
    positions = np.linspace(0.0, 1.0, len(ANCHORS))
    return np.stack([np.interp(strength, positions, ANCHORS[:, channel]) for channel in range(3)], axis=2)
