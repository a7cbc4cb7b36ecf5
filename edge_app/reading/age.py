"""Whether the model was made for a patient of this age."""

from edge_app.errors import FilmRefused
from edge_app.model.card import ModelCard

# Completed years. The training films are of children of 1 to 5 years.
DEFAULT_RANGE_YEARS = (0, 5)


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
