"""Is this a chest film, upright and fit to be read? Rough checks that need no model.

The film is compared with the mean of a few chest phantoms, at 32 x 32. Measured on the 5,216
training films of the Guangzhou set (`python -m pytest tests/edge_app/test_quality.py` repeats it
where the films are): limits lie beyond all of them. A film that passes may still be none: an
experienced eye must look at every film.
"""

import functools

import numpy as np
from PIL import Image

from edge_app.errors import FilmRefused
from edge_app.phantom import PhantomStyle, draw_phantom
from edge_app.preprocess import to_model_pixels

TEMPLATE_SIDE_PX = 32
TEMPLATE_PHANTOMS = 8
LOOK_SIDE_PX = 224
# Correlation with the template, -1..1. Upright films: 0.2 to 0.8.
MIN_LIKENESS = 0.1
INVERTED_LIKENESS = -0.2
# How much more like the template the film gets by turning it. Upright films: below -0.1.
SIDEWAYS_GAIN = 0.1
UPSIDE_DOWN_GAIN = 0.15
# Gray levels, 0..255: mean, and distance of the 99th from the 1st percentile.
TOO_DARK, DARK = 20.0, 50.0
TOO_FLAT, FLAT = 40.0, 90.0
# Mean of the absolute Laplacian at 224 x 224, in gray levels of a film stretched to 0..255.
# 8 bits alone leave some 1.2.
TOO_BLURRED, BLURRED = 1.5, 3.0


def check_film(film: np.ndarray) -> tuple[str, ...]:
    """Refuse what must not be scored, and name what makes the answer doubtful.

    Args:
        film: uint8, shape (height, width), bright is dense.
    Returns:
        Warnings: "dark", "flat", "blurred", "upside_down", in that order.
    Raises:
        FilmRefused: too_dark, too_flat, too_blurred, inverted, sideways or not_a_chest_film.
    """
    look = np.asarray(
        Image.fromarray(film).resize((LOOK_SIDE_PX, LOOK_SIDE_PX), Image.Resampling.BOX), dtype=np.float64
    )
    mean, spread, sharpness = exposure(look)
    if mean < TOO_DARK:
        raise FilmRefused("too_dark", "The film is almost black: export it again with its window, or expose it again.")
    if spread < TOO_FLAT:
        raise FilmRefused("too_flat", "The film has hardly any contrast: export it again with its window.")
    if sharpness < TOO_BLURRED:
        raise FilmRefused("too_blurred", "The film is blurred: the child may have moved, or the copy is too small.")
    turns = [likeness(look.astype(np.uint8), quarter_turns) for quarter_turns in range(4)]
    _check_pose(turns)
    warnings = {"dark": mean < DARK, "flat": spread < FLAT, "blurred": sharpness < BLURRED}
    warnings["upside_down"] = turns[2] - turns[0] > UPSIDE_DOWN_GAIN
    return tuple(name for name, holds in warnings.items() if holds)


def exposure(look: np.ndarray) -> tuple[float, float, float]:
    """Mean, spread and sharpness of a film of LOOK_SIDE_PX, float64; units as the limits above."""
    low, high = np.percentile(look, (1, 99))
    inner = look[1:-1, 1:-1]
    laplacian = 4 * inner - look[:-2, 1:-1] - look[2:, 1:-1] - look[1:-1, :-2] - look[1:-1, 2:]
    spread = float(high - low)
    return float(look.mean()), spread, float(np.abs(laplacian).mean() * 255 / max(spread, 1.0))


def likeness(film: np.ndarray, quarter_turns: int = 0) -> float:
    """Correlation of a film, turned counter-clockwise, with the mean phantom; -1..1."""
    small = to_model_pixels(film, TEMPLATE_SIDE_PX)
    return float((np.rot90(_standardized(small), quarter_turns) * _template()).mean())


def _check_pose(turns: list[float]) -> None:
    """Refuse by the likeness of the film as it is and after one, two and three quarter turns."""
    if turns[0] < INVERTED_LIKENESS:
        raise FilmRefused(
            "inverted", "Black and white are exchanged: bone must be white. Invert the film and export it."
        )
    if max(turns[1], turns[3]) - turns[0] > SIDEWAYS_GAIN:
        raise FilmRefused("sideways", "The film lies on its side: turn it so that the head is up.")
    if turns[0] < MIN_LIKENESS:
        raise FilmRefused("not_a_chest_film", "This does not look like a frontal chest film: nothing is scored.")


@functools.cache
def _template() -> np.ndarray:
    style = PhantomStyle(width_px=64, height_px=64)
    drawn = [
        to_model_pixels(draw_phantom("normal", seed, style), TEMPLATE_SIDE_PX) for seed in range(TEMPLATE_PHANTOMS)
    ]
    return _standardized(np.mean(drawn, axis=0))


def _standardized(pixels: np.ndarray) -> np.ndarray:
    centred = pixels.astype(np.float64) - pixels.mean()
    spread: np.ndarray = centred / max(float(centred.std()), 1e-9)
    return spread
