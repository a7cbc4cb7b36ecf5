"""Is this a chest film, upright and fit to be read? Rough checks that need no model.

Exposure is judged for every model, pose only for one whose card does not know its training films
(see `edge_app.reading.rejection`): the film is compared with the mean of a few chest phantoms. Measured on the 5,216
training films of the Guangzhou set (`python -m pytest tests/edge_app/test_quality.py` repeats it
where the films are): limits lie beyond all of them. A film that passes may still be none: an
experienced eye must look at every film.
"""

import functools

import numpy as np
from PIL import Image

from edge_app.errors import FilmRefused
from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.reading.rejection import SENTENCES

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
    """Every check that needs no model: `check_exposure`, then `check_pose`."""
    return check_exposure(film) + check_pose(film)


def check_exposure(film: np.ndarray) -> tuple[str, ...]:
    """Refuse what cannot be read, and name what makes the answer doubtful.

    Args:
        film: uint8, shape (height, width), bright is dense.
    Returns:
        Warnings: "dark", "flat", "blurred", in that order.
    Raises:
        FilmRefused: too_dark, too_flat or too_blurred.
    """
    mean, spread, sharpness = exposure(_look(film).astype(np.float64))
    if mean < TOO_DARK:
        raise FilmRefused("too_dark", "The film is almost black: export it again with its window, or expose it again.")
    if spread < TOO_FLAT:
        raise FilmRefused("too_flat", "The film has hardly any contrast: export it again with its window.")
    if sharpness < TOO_BLURRED:
        raise FilmRefused("too_blurred", "The film is blurred: the child may have moved, or the copy is too small.")
    warnings = {"dark": mean < DARK, "flat": spread < FLAT, "blurred": sharpness < BLURRED}
    return tuple(name for name, holds in warnings.items() if holds)


def check_pose(film: np.ndarray) -> tuple[str, ...]:
    """Refuse what does not lie as it should, for a model whose card does not know its training films.

    Args:
        film: uint8, shape (height, width), bright is dense.
    Returns:
        "upside_down" where that may be so.
    Raises:
        FilmRefused: inverted, sideways or not_a_chest_film.
    """
    look = _look(film)
    turns = [likeness(look, quarter_turns) for quarter_turns in range(4)]
    _check_turns(turns)
    return ("upside_down",) if turns[2] - turns[0] > UPSIDE_DOWN_GAIN else ()


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


def _look(film: np.ndarray) -> np.ndarray:
    side = (LOOK_SIDE_PX, LOOK_SIDE_PX)
    return np.asarray(Image.fromarray(film).resize(side, Image.Resampling.BOX))


def _check_turns(turns: list[float]) -> None:
    """Refuse by the likeness of the film as it is and after one, two and three quarter turns."""
    if turns[0] < INVERTED_LIKENESS:
        raise FilmRefused("inverted", SENTENCES["inverted"])
    if max(turns[1], turns[3]) - turns[0] > SIDEWAYS_GAIN:
        raise FilmRefused("sideways", SENTENCES["sideways"])
    if turns[0] < MIN_LIKENESS:
        raise FilmRefused("not_a_chest_film", SENTENCES["not_a_chest_film"])


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
