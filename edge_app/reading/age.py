"""The child's age: what a DICOM file says, and whether the model was made for it."""

import re
from datetime import date

from edge_app.errors import FilmRefused
from edge_app.model.card import ModelCard

AGE = re.compile(r"(\d{3})([DWMY])")
DAYS_PER_YEAR = 365.25
DAYS_OF = {"D": 1.0, "W": 7.0, "M": DAYS_PER_YEAR / 12, "Y": DAYS_PER_YEAR}
# Completed years. The training films are of children of 1 to 5 years.
DEFAULT_RANGE_YEARS = (0, 5)


def parse_age(text: str) -> float | None:
    """DICOM's age string (VR AS, PS3.5 section 6.2) in years; None when it is no such string."""
    found = AGE.fullmatch(text.strip())
    return int(found[1]) * DAYS_OF[found[2]] / DAYS_PER_YEAR if found else None


def age_between(birth: str, study: str) -> float | None:
    """Years between two DICOM dates (YYYYMMDD); None when one is missing, wrong or they are swapped."""
    try:
        born, seen = (date(int(text[:4]), int(text[4:6]), int(text[6:8])) for text in (birth, study))
    except ValueError:
        return None
    days = (seen - born).days
    return days / DAYS_PER_YEAR if days >= 0 else None


def check_age(age_years: float | None, card: ModelCard) -> None:
    """Refuse a patient whom the model was not made for; an unknown age passes.

    Raises:
        FilmRefused: age_out_of_range.
    """
    youngest, oldest = card.training.get("age_range_years", DEFAULT_RANGE_YEARS)
    if age_years is not None and not youngest <= age_years < oldest + 1:
        raise FilmRefused(
            "age_out_of_range",
            f"The patient is {age_years:.0f} years old; the model is for {youngest} to {oldest}: nothing is scored.",
        )
