"""The record as CSV and JSON: one flat row per record, for spreadsheets, `calibrate` and `train`."""

import csv
import io
import json
from typing import Any

from edge_app.records.record import Record, Region

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
PROBABILITIES = ("normal", "bacterial", "viral")
FIELDS = (
    "id",
    "created_at",
    "status",
    "source",
    "age_years",
    "p_pneumonia",
    "decision",
    "operating_point",
    "threshold",
    *(f"p_{label}" for label in PROBABILITIES),
    "warnings",
    "model_name",
    "model_version",
    "model_sha256",
    "runtime",
    "verdict",
    "finding",
    "reader",
    "signed_at",
    "own_impression",
    "region",
    "boot_id",
    "uptime_s",
    "label",
    "sex",
    "comment",
    "reason",
)


def flat(record: Record) -> dict[str, Any]:
    """One record as a row; missing values are empty."""
    review = record.review
    return {
        "id": record.id,
        "created_at": record.created_at,
        "status": record.status,
        "source": record.source,
        "age_years": "" if record.visit.age_years is None else record.visit.age_years,
        "p_pneumonia": record.decision.p_finding,
        "decision": record.decision.decision,
        "operating_point": record.decision.operating_point,
        "threshold": record.decision.threshold,
        **{f"p_{label}": record.decision.probabilities.get(label, "") for label in PROBABILITIES},
        "warnings": " ".join(record.warnings),
        "model_name": record.model.name,
        "model_version": record.model.version,
        "model_sha256": record.model.sha256,
        "runtime": record.runtime,
        "verdict": review.verdict if review else "",
        "finding": review.finding if review else "",
        "reader": review.reader if review else "",
        "signed_at": review.at if review else "",
        "own_impression": review.own_impression if review else "",
        "region": "; ".join(_ends(region) for region in review.regions) if review else "",
        "boot_id": record.boot_id,
        "uptime_s": "" if record.uptime_s is None else record.uptime_s,
        "label": record.visit.label,
        "sex": record.visit.sex,
        "comment": review.comment if review else "",
        "reason": record.last_act.reason if record.last_act else "",
    }


def _ends(region: Region) -> str:
    return " ".join(f"{end:.4f}" for end in region)


def to_csv(records: list[Record]) -> str:
    """CSV with a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in flat(record).items()} for record in records)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe; a model's card may hold any text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def to_json(records: list[Record]) -> str:
    """A JSON list of the same rows."""
    return json.dumps([flat(record) for record in records], indent=1) + "\n"
