"""The record as CSV and JSON: one flat row per record, for spreadsheets, `calibrate` and `train`."""

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from edge_app.records.record import Record, Region

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
PROBABILITIES = ("normal", "bacterial", "viral")


def _share(label: str, record: Record) -> float | None:
    return record.decision.probabilities.get(label)


def _ends(region: Region) -> str:
    return " ".join(f"{end:.4f}" for end in region)


COLUMNS: dict[str, Callable[[Record], Any]] = {
    "id": lambda record: record.id,
    "created_at": lambda record: record.created_at,
    "status": lambda record: record.status,
    "source": lambda record: record.source,
    "age_years": lambda record: record.visit.age_years,
    "p_pneumonia": lambda record: record.decision.p_finding,
    "decision": lambda record: record.decision.decision,
    "operating_point": lambda record: record.decision.operating_point,
    "threshold": lambda record: record.decision.threshold,
    **{f"p_{label}": partial(_share, label) for label in PROBABILITIES},
    "warnings": lambda record: " ".join(record.warnings),
    "model_name": lambda record: record.model.name,
    "model_version": lambda record: record.model.version,
    "model_sha256": lambda record: record.model.sha256,
    "runtime": lambda record: record.runtime,
    "verdict": lambda record: record.review and record.review.verdict,
    "finding": lambda record: record.review and record.review.finding,
    "reader": lambda record: record.review and record.review.reader,
    "signed_at": lambda record: record.review and record.review.at,
    "own_impression": lambda record: record.review and record.review.own_impression,
    "region": lambda record: record.review and "; ".join(map(_ends, record.review.regions)),
    "boot_id": lambda record: record.boot_id,
    "uptime_s": lambda record: record.uptime_s,
    "label": lambda record: record.visit.label,
    "sex": lambda record: record.visit.sex,
    "comment": lambda record: record.review and record.review.comment,
    "reason": lambda record: record.last_act and record.last_act.reason,
}


def flat(record: Record) -> dict[str, Any]:
    """One record as a row; missing values are empty."""
    row = {name: value(record) for name, value in COLUMNS.items()}
    return {name: "" if value is None else value for name, value in row.items()}


def to_csv(records: list[Record]) -> str:
    """CSV with a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in flat(record).items()} for record in records)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe; a model's card may hold any text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def to_json(records: list[Record]) -> str:
    """A JSON list of the same rows."""
    return json.dumps([flat(record) for record in records], indent=1) + "\n"
