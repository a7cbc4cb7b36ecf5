"""Checks of a film before the model sees it: the patient's age, and exposure, contrast and sharpness.

All 5,216 training films of the Guangzhou set are within the limits on exposure; tests/edge_app/reading repeats
the measurement on a machine that has the films.
"""

import numpy as np
from PIL import Image

from edge_app.errors import FilmRefused
from edge_app.imaging.formats.base import Film
from edge_app.model.card import ModelCard

# Completed years, where a card states none: those before 0.5.0 do not, and come from films of children of these ages.
DEFAULT_RANGE_YEARS = (1, 5)
AGE_UNKNOWN = "age_unknown"  # where the film does not say the age and somebody could have
SIDE_PX = 224
REDUCING_GAP = 2.0  # a large film is first halved, thirded ... to this times the side: the same means, sooner
# Gray levels, 0..255: mean, and distance of the 99th from the 1st percentile.
TOO_DARK, DARK = 20.0, 50.0
TOO_FLAT, FLAT = 40.0, 90.0
# Mean of the absolute Laplacian at 224 x 224, in gray levels of a film stretched to 0..255.
# Rounding to 8 bits alone gives about 1.2.
TOO_BLURRED, BLURRED = 1.5, 3.0


def check_film(film: Film, card: ModelCard) -> tuple[str, ...]:
    """Run every check of this module.

    Returns:
        What was noted while the film was read, and the warnings of `check_exposure`.
    Raises:
        FilmRefused: as `check_age` and `check_exposure`.
    """
    check_age(film.age_years, card)
    return film.notes + check_exposure(film.pixels)


def check_age(age_years: float | None, card: ModelCard) -> None:
    """Refuse a patient whom the model was not made for; an unknown age passes.

    Raises:
        FilmRefused: age_out_of_range.
    """
    youngest, oldest = age_range(card)
    if age_years is not None and not youngest <= age_years < oldest + 1:
        raise FilmRefused(
            "age_out_of_range",
            f"The patient is {_in_words(age_years)} old; the model is for {youngest} to {oldest} years: no score.",
        )


def age_range(card: ModelCard) -> tuple[int, int]:
    """The youngest and the oldest age that the model is for, in completed years."""
    youngest, oldest = card.training.get("age_range_years", DEFAULT_RANGE_YEARS)
    return youngest, oldest


def _in_words(age_years: float) -> str:
    """An age as people say it, in completed months below two years, else in completed years."""
    return f"{int(12 * age_years)} months" if age_years < 2 else f"{int(age_years)} years"


def check_exposure(film: np.ndarray) -> tuple[str, ...]:
    """Refuse a film that cannot be read, and warn of one that is hard to read.

    Args:
        film: uint8, shape (height, width), bright is dense.
    Returns:
        Warnings: "dark", "flat", "blurred", in that order.
    Raises:
        FilmRefused: too_dark, too_flat or too_blurred.
    """
    mean, spread, sharpness = exposure(shrunk(film).astype(np.float64))
    if mean < TOO_DARK:
        raise FilmRefused("too_dark", "The film is almost black: export it again with its window, or expose it again.")
    if spread < TOO_FLAT:
        raise FilmRefused("too_flat", "The film has hardly any contrast: export it again with its window.")
    if sharpness < TOO_BLURRED:
        raise FilmRefused("too_blurred", "The film is blurred: the child may have moved, or the copy is too small.")
    warnings = {"dark": mean < DARK, "flat": spread < FLAT, "blurred": sharpness < BLURRED}
    return tuple(name for name, holds in warnings.items() if holds)


def exposure(film: np.ndarray) -> tuple[float, float, float]:
    """Mean, spread and sharpness of a film, float64 (SIDE_PX, SIDE_PX); units as the limits above."""
    low, high = np.percentile(film, (1, 99))
    inner = film[1:-1, 1:-1]
    laplacian = 4 * inner - film[:-2, 1:-1] - film[2:, 1:-1] - film[1:-1, :-2] - film[1:-1, 2:]
    spread = float(high - low)
    return float(film.mean()), spread, float(np.abs(laplacian).mean() * 255 / max(spread, 1.0))


def shrunk(film: np.ndarray) -> np.ndarray:
    """A film, uint8 (height, width), as uint8 (SIDE_PX, SIDE_PX)."""
    side = (SIDE_PX, SIDE_PX)
    return np.asarray(Image.fromarray(film).resize(side, Image.Resampling.BOX, reducing_gap=REDUCING_GAP))
