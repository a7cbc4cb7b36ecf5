"""The evidence on the film: a contour around the places whose evidence is above a stated level."""

import numpy as np
from PIL import Image, ImageFilter

# Share of full evidence (`edge_app.reading.evidence`) from which a place lies inside the contour.
CONTOUR_LEVEL = 0.3
COLOUR = (255, 196, 61)
INSIDE_OPACITY = 0.18
DISPLAY_SIDE_PX = 768
LINE_DIVISOR = 150  # of the picture's longer side is the line's width
WHOLE_FILM = (0.0, 0.0, 1.0, 1.0)
Field = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the film


def overlay(film: np.ndarray, evidence: np.ndarray | None, field: Field | None) -> Image.Image:
    """The film with the contour on it; without evidence, the film alone.

    Args:
        film: uint8, shape (height, width).
        evidence: float, shape (rows, columns), 0..1, of the lung field.
        field: where the lung field lies; None for the whole film.
    Returns:
        RGB, of the film's shape, its longer side at most DISPLAY_SIDE_PX.
    """
    base = display_image(film)
    if evidence is None:
        return base.convert("RGB")
    layer = _layer(evidence, field or WHOLE_FILM, base.size)
    return Image.alpha_composite(base.convert("RGBA"), layer).convert("RGB")


def display_image(film: np.ndarray) -> Image.Image:
    """The film, its longer side at most DISPLAY_SIDE_PX, for a screen."""
    image = Image.fromarray(film)
    image.thumbnail((DISPLAY_SIDE_PX, DISPLAY_SIDE_PX), Image.Resampling.BOX)
    return image


def _layer(evidence: np.ndarray, field: Field, size: tuple[int, int]) -> Image.Image:
    """Tint and line on a transparent picture of `size`; nothing lies outside the lung field."""
    left, top, right, bottom = (round(end * side) for end, side in zip(field, size * 2, strict=True))
    box = (max(right - left, 1), max(bottom - top, 1))
    strength = np.asarray(Image.fromarray(evidence.astype(np.float32)).resize(box, Image.Resampling.BICUBIC))
    inside = Image.new("L", size)
    inside.paste(Image.fromarray(np.where(strength >= CONTOUR_LEVEL, np.uint8(255), np.uint8(0))), (left, top))
    width = 2 * max(1, max(size) // (2 * LINE_DIVISOR)) + 1
    line = np.asarray(inside) - np.asarray(inside.filter(ImageFilter.MinFilter(width)))
    opacity = np.maximum(line.astype(np.float64), INSIDE_OPACITY * np.asarray(inside))
    layer = Image.new("RGBA", size, (*COLOUR, 0))
    layer.putalpha(Image.fromarray(np.round(opacity).astype(np.uint8)))
    return layer
