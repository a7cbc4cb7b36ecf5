"""A site's own threshold, from its own confirmed cases.

Follows the WHO toolkit for calibrating computer-aided detection: counts and proportions with intervals
at every threshold. Readers have usually seen the model's answer, which biases the figures in its favour;
a blinded second reading is better evidence.
"""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.errors import DataError, StoreError
from edge_app.model.card import ModelCard, OperatingPoint
from edge_app.model.estimate import Estimate, proportion
from edge_app.reading.decision import is_positive, moved_band
from edge_app.system.files import write_atomically
from edge_app.system.home import SITE_THRESHOLD_FILE
from edge_app.system.tables import read_table

POSITIVE = frozenset({"pneumonia", "bacterial", "viral"})
NEGATIVE = frozenset({"normal"})
MIN_CASES = 100  # with fewer, a threshold is mostly chance, and a warning is given
POINT_NAME = "site"
COLUMNS = frozenset({"p_pneumonia", "finding", "status", "model_sha256"})


@dataclass(frozen=True)
class Case:
    """A confirmed case: the score 0..1, and whether the reader found pneumonia."""

    p_pneumonia: float
    pneumonia: bool


@dataclass(frozen=True)
class Line:
    """Counts and proportions at one threshold; a proportion without cases is None."""

    threshold: float
    tp: int
    fp: int
    fn: int
    tn: int
    sensitivity: Estimate | None
    specificity: Estimate | None
    ppv: Estimate | None
    npv: Estimate | None


def read_cases(path: Path) -> tuple[list[Case], int, str]:
    """Read an export (`reviews export`, or the page's CSV).

    Returns:
        The signed cases that say normal or pneumonia, how many rows were left out, and the SHA-256
        of the model that scored them.
    Raises:
        DataError: no such file, columns missing, a score out of range, several models, or no case of
            either kind.
    """
    rows, comma_is_decimal = _rows(path)
    used = [row for row in rows if row["status"] == "signed" and row["finding"] in POSITIVE | NEGATIVE]
    models = {row["model_sha256"] for row in used}
    if len(models) > 1:
        raise DataError(f"{path} mixes scores of {len(models)} models: keep the rows of one")
    cases = [Case(_score(row["p_pneumonia"], comma_is_decimal), row["finding"] in POSITIVE) for row in used]
    if len({case.pneumonia for case in cases}) < 2:
        raise DataError(f"{path} has {len(cases)} confirmed cases; both normal and pneumonia are needed")
    return cases, len(rows) - len(cases), models.pop()


def line_at(cases: Iterable[Case], threshold: float) -> Line:
    """Counts and proportions at one threshold."""
    counts = {(called, truth): 0 for called in (True, False) for truth in (True, False)}
    for case in cases:
        counts[bool(is_positive(case.p_pneumonia, threshold)), case.pneumonia] += 1
    tp, fp, fn, tn = (counts[key] for key in ((True, True), (True, False), (False, True), (False, False)))
    return Line(
        threshold,
        tp,
        fp,
        fn,
        tn,
        sensitivity=_share(tp, tp + fn),
        specificity=_share(tn, tn + fp),
        ppv=_share(tp, tp + fp),
        npv=_share(tn, tn + fn),
    )


def choose_threshold(cases: list[Case], min_sensitivity: float) -> Line:
    """The highest threshold, in steps of 0.01, that keeps the sensitivity; the lowest step if none does."""
    lines = [line_at(cases, percent / 100) for percent in range(1, 100)]
    kept = [line for line in lines if line.sensitivity and line.sensitivity.value >= min_sensitivity]
    return kept[-1] if kept else lines[0]


def save_site_threshold(home: Path, line: Line, model_sha256: str, cases: int) -> Path:
    """Save a threshold as the site's own; `with_site_threshold` reads it.

    Raises:
        StoreError: it cannot be written; the previous one stays.
    """
    path = home / SITE_THRESHOLD_FILE
    values = {"threshold": line.threshold, "model_sha256": model_sha256, "cases": cases}
    for name, estimate in (("recall", line.sensitivity), ("specificity", line.specificity)):
        values[name] = vars(estimate)
    try:
        write_atomically(path, (json.dumps(values, indent=1) + "\n").encode())
    except OSError as cause:
        raise StoreError(f"{path} cannot be written: {cause}") from cause
    return path


def with_site_threshold(card: ModelCard, sha256: str, home: Path) -> ModelCard:
    """The card with the site's threshold as its default, and the uncertain band around it, if there is one.

    Raises:
        DataError: the file is damaged.
    """
    path = home / SITE_THRESHOLD_FILE
    if not path.exists():
        return card
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if values["model_sha256"] != sha256:
            return card  # models score differently: a threshold of another model means nothing here
        if not 0 < float(values["threshold"]) < 1:
            raise ValueError(f"threshold is {values['threshold']}")
        point = OperatingPoint(
            float(values["threshold"]), Estimate(**values["recall"]), Estimate(**values["specificity"])
        )
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DataError(f"{path} is damaged: {cause!r}: run calibrate again or delete it") from cause
    points = card.operating_points | {POINT_NAME: point}
    band = moved_band(card.uncertainty_band, card.operating_point()[1].threshold, point.threshold)
    return dataclasses.replace(card, operating_points=points, default_operating_point=POINT_NAME, uncertainty_band=band)


def _share(hits: int, total: int) -> Estimate | None:
    """A proportion with its interval; None if `total` is 0."""
    return proportion(hits, total) if total else None


def _rows(path: Path) -> tuple[list[dict[str, str]], bool]:
    """The rows of an export, which a spreadsheet may have saved again; whether its numbers have decimal commas."""
    table = read_table(path)
    names = [name.lower() for name in table.names]
    if not set(names) >= COLUMNS:
        raise DataError(
            f"{path} needs the columns {', '.join(sorted(COLUMNS))}, separated by commas, semicolons or tabs: "
            "export it with `reviews export`"
        )
    if short := [row for row in table.rows if len(row) < len(names)]:
        raise DataError(f"{path}: a row has {len(short[0])} cells, expected {len(names)}: export it again")
    return [dict(zip(names, row, strict=False)) for row in table.rows], table.separator != ","


def _score(text: str, comma_is_decimal: bool) -> float:
    try:
        value = float(text.replace(",", ".") if comma_is_decimal else text)
    except ValueError as cause:
        raise DataError(f"p_pneumonia is {text!r}, expected a number from 0 to 1") from cause
    if not 0 <= value <= 1:
        raise DataError(f"p_pneumonia is {text!r}, expected a number from 0 to 1")
    return value
