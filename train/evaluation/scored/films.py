"""Films with what a model says of each, and the table of them, `predictions.csv`."""

import csv
import io
from collections import Counter
from dataclasses import dataclass

import numpy as np

from edge_app.imaging.lung_field import LungField
from edge_app.reading.decision import finding_probability, is_positive, is_uncertain
from train.data.labelled import Classes, LabelledFilm

FILE = "predictions.csv"
UNCERTAIN = "uncertain"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run it


@dataclass(frozen=True)
class ScoredFilms:
    """Films with a model's probabilities, row by row.

    `probabilities` is float (films, labels). The films may have other classes than the model, but both know
    which class is the one without the finding.
    """

    films: tuple[LabelledFilm, ...]
    probabilities: np.ndarray
    classes: Classes
    """Of the model."""
    finding: str
    """The model's word for it."""
    films_negative: str
    """The class of films without the finding, among the films' own."""
    threshold: float
    """On P(finding), 0..1."""
    band: tuple[float, float]
    """From the first to the second P(finding) the device says `uncertain`."""
    fields: tuple[LungField | None, ...]
    """In pixels of the film; None where the model sees whole films."""
    refusals: tuple[str, ...] = ()
    """Why the device would give no answer, a code for each film, empty where it would; none for a float model."""
    ages_years: tuple[float | None, ...] = ()
    """As the files state them, one for each film; none for a float model."""
    left_out: tuple[tuple[LabelledFilm, str], ...] = ()
    """Films without probabilities, each with a code."""

    @property
    def positive(self) -> np.ndarray:
        """Whether each film has the finding, bool (films,)."""
        return np.array([film.label != self.films_negative for film in self.films])

    @property
    def p_finding(self) -> np.ndarray:
        """P(finding), float (films,)."""
        return finding_probability(self.probabilities, self.classes.negative_index)

    @property
    def called(self) -> np.ndarray:
        """Whether the model calls each film positive, bool (films,); the uncertain band does not count."""
        return is_positive(self.p_finding, self.threshold)

    @property
    def truth(self) -> np.ndarray | None:
        """Each film's class among the model's, int (films,); None where theirs cannot be matched."""
        labels = self.classes.labels
        found = {film.label for film in self.films}
        if found <= set(labels) and self.films_negative == self.classes.negative:
            truth = np.array([labels.index(film.label) for film in self.films])
        elif len(labels) == 2:
            truth = np.where(self.positive, 1 - self.classes.negative_index, self.classes.negative_index)
        else:
            return None
        return truth if len(set(truth)) == len(labels) else None

    @property
    def ages(self) -> tuple[float | None, ...]:
        """One for each film; all None where they are not known."""
        return self.ages_years or (None,) * len(self.films)

    def decisions(self) -> list[str]:
        """What the device would say, were no film refused."""
        unsure = is_uncertain(self.p_finding, self.threshold, self.band)
        words = np.where(self.called, self.finding, self.classes.negative)
        return [str(word) for word in np.where(unsure, UNCERTAIN, words)]

    def counted(self) -> dict[str, dict[str, int]]:
        """How many films were left out, and would be refused by the device, by code."""
        return {
            "left_out": dict(Counter(code for _, code in self.left_out)),
            "refused_by_device": dict(Counter(code for code in self.refusals if code)),
        }

    def to_csv(self) -> str:
        """The table, a line for each film; the last columns are the lung field in pixels of the film."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        labels = [f"p_{label}" for label in self.classes.labels]
        lungs = ["lungs_left", "lungs_top", "lungs_right", "lungs_bottom"]
        named = ["file", "patient", "site", "age_years", "truth", "p_finding"]
        table.writerow([*named, *labels, "threshold", "decision", "refusal", *lungs])
        decisions, refusals = self.decisions(), self.refusals or ("",) * len(self.films)
        for row, film in enumerate(self.films):
            field, age = self.fields[row], self.ages[row]
            table.writerow(
                [*_named(film, age), float(self.p_finding[row]), *map(float, self.probabilities[row]), self.threshold]
                + [decisions[row], refusals[row]]
                + ([field.left, field.top, field.right, field.bottom] if field else [""] * 4)
            )
        for film, code in self.left_out:
            table.writerow([*_named(film, None), *[""] * (3 + len(self.classes.labels)), code, *[""] * 4])
        return text.getvalue()


def _named(film: LabelledFilm, age: float | None) -> list[str | float]:
    words = [f"'{word}" if word.startswith(FORMULA) else word for word in (film.name, film.patient, film.site)]
    return [*words, "" if age is None else age, film.label]
