"""Whom a model is for, as whoever trains it states it; the device obeys the ages, people read the rest."""

from dataclasses import dataclass, fields

from edge_app.errors import DataError

OLDEST_YEARS = 150


@dataclass(frozen=True)
class Purpose:
    """The statements that a bundle of real films needs. Empty ones are not yet made."""

    ages_years: tuple[int, int] | tuple[()] = ()
    """Youngest and oldest patient, in completed years, 0 to OLDEST_YEARS: of others the device scores no film."""
    population: str = ""
    """Whose films it was trained on: patients, place, machine."""
    intended_use: str = ""
    """What the model is for, and what it is not for."""

    def __post_init__(self) -> None:
        if self.ages_years and not 0 <= self.ages_years[0] <= self.ages_years[1] <= OLDEST_YEARS:
            raise DataError(f"ages are {self.ages_years}, expected youngest and oldest in years, 0 to {OLDEST_YEARS}")

    @property
    def missing(self) -> tuple[str, ...]:
        """The options that make the statements which are not yet made."""
        options = ("--ages LOW HIGH", "--population TEXT", "--intended-use TEXT")
        return tuple(option for option, one in zip(options, fields(self), strict=True) if not getattr(self, one.name))

    def check(self) -> None:
        """Refuse a bundle of real films that does not say whom it is for.

        Raises:
            DataError: a statement is missing.
        """
        if self.missing:
            raise DataError(f"a bundle says whom it is for: give {', '.join(self.missing)}")

    def over(self, earlier: "Purpose") -> "Purpose":
        """These statements, and the earlier ones where there are none."""
        return Purpose(*(getattr(self, one.name) or getattr(earlier, one.name) for one in fields(self)))
