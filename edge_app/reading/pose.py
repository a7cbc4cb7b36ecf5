"""Checks that a film is an upright chest film, for models whose card has no statistics of its training films.

The film is compared with the mean of a few chest phantoms. Where the card has statistics,
`edge_app.reading.rejection` does better. The limits were measured like those of `exposure`.
"""

import functools

import numpy as np

from edge_app.imaging.preprocess import to_model_pixels
from edge_app.reading.film_checks import shrunk
from edge_app.reading.rejection import pose_refusal

TEMPLATE_SIDE_PX = 32
TEMPLATE_PHANTOMS = 8
# Correlation with the template, -1..1. Upright films: 0.2 to 0.8.
MIN_LIKENESS = 0.1
INVERTED_LIKENESS = -0.2
# How much the correlation rises when the film is turned. Upright films: below -0.1.
SIDEWAYS_GAIN = 0.1
UPSIDE_DOWN_GAIN = 0.15


def check_pose(film: np.ndarray) -> tuple[str, ...]:
    """Refuse a film that is not an upright chest film.

    Args:
        film: uint8, shape (height, width), bright is dense.
    Returns:
        "upside_down" if the film may be.
    Raises:
        FilmRefused: inverted, sideways or not_a_chest_film.
    """
    small = _standardized(to_model_pixels(shrunk(film), TEMPLATE_SIDE_PX))
    turns = [_likeness(small, quarter_turns) for quarter_turns in range(4)]
    _check_turns(turns)
    return ("upside_down",) if turns[2] - turns[0] > UPSIDE_DOWN_GAIN else ()


def _likeness(film: np.ndarray, quarter_turns: int) -> float:
    """Correlation of a standardized film, turned counter-clockwise, with the mean phantom; -1..1."""
    return float((np.rot90(film, quarter_turns) * _template()).mean())


def _check_turns(turns: list[float]) -> None:
    """Refuse by the correlation of the film as it is and after one, two and three quarter turns."""
    if turns[0] < INVERTED_LIKENESS:
        raise pose_refusal("inverted")
    if max(turns[1], turns[3]) - turns[0] > SIDEWAYS_GAIN:
        raise pose_refusal("sideways")
    if turns[0] < MIN_LIKENESS:
        raise pose_refusal("not_a_chest_film")


@functools.cache
def _template() -> np.ndarray:
    from edge_app.imaging.phantom import PhantomStyle, draw_phantom  # here, because few devices need it

    style = PhantomStyle(width_px=64, height_px=64)
    drawn = [
        to_model_pixels(draw_phantom("normal", seed, style), TEMPLATE_SIDE_PX) for seed in range(TEMPLATE_PHANTOMS)
    ]
    return _standardized(np.mean(drawn, axis=0))


def _standardized(pixels: np.ndarray) -> np.ndarray:
    centred = pixels.astype(np.float64) - pixels.mean()
    spread: np.ndarray = centred / max(float(centred.std()), 1e-9)
    return spread
