"""The int8 file of a finished run."""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convert.conversion import convert
from convert.formats.registry import PTQ, QAT
from convert.options import ConvertOptions
from edge_app.errors import KitError
from train.data.purpose import OLDEST_YEARS, Purpose
from train.evaluation.floor import NO_FLOOR
from train.evaluation.run import MODEL, RUN
from train.keras import keras
from train.networks import Architecture

LOG = logging.getLogger(__name__)
PURPOSE = Purpose((0, OLDEST_YEARS), "the films of the study", "Measurement in a study; not to be used on a person.")
FOLDER, REPORT = "convert", "report.json"


@dataclass(frozen=True)
class Quantized:
    """What became of one run's conversion."""

    format: str  # QAT or PTQ
    path: Path | None = None  # the file, even if it was refused
    bytes: int = 0
    figures: dict[str, Any] = field(default_factory=dict)  # by evaluation set, of a file that runs
    refusal: str = ""  # why the gates, or convert itself, refused


def quantized(folder: Path, architecture: Architecture, data: str | None) -> Quantized:
    """Convert a run if that was not done yet, and read the report.

    Finish all trainings of a study first: quantization-aware training switches TensorFlow's op determinism
    on for the rest of the process.

    Args:
        folder: of a finished run.
        data: the films that it was trained on, as `--data`.
    """
    report, wanted = folder / FOLDER / REPORT, QAT if architecture.qat else PTQ
    if not report.exists() or report.stat().st_mtime < (folder / RUN).stat().st_mtime:
        LOG.info("converting %s", folder)
        options = ConvertOptions(
            model=folder / MODEL,
            out=folder / FOLDER,
            data=data,
            formats=(QAT, PTQ) if architecture.qat else (PTQ,),
            outside_xnnpack=architecture.outside_xnnpack,
            purpose=PURPOSE,
            floor=NO_FLOOR,
            overwrite=True,
        )
        try:
            convert(options)
        except KitError as error:
            return Quantized(wanted, refusal=f"convert failed: {error}")
        finally:
            keras.backend.clear_session()  # or memory grows with every network
    return from_report(json.loads(report.read_text(encoding="utf-8")), wanted, folder / FOLDER)


def from_report(rows: list[dict[str, Any]], wanted: str, folder: Path) -> Quantized:
    """The requested file, or the one made with it if the gates refuse the first and accept the second."""
    found = {row["format"]: row for row in rows if row["format"] in (QAT, PTQ)}
    accepted = [name for name in (wanted, *found) if name in found and found[name]["status"] == "ok"]
    row = found[accepted[0] if accepted else wanted]
    path = folder / Path(row["path"]).name
    if row["status"] != "ok":
        return Quantized(wanted, path, row["model_bytes"], row["judges"], row["reason"])
    return Quantized(row["format"], path, row["bundle_bytes"], row["judges"])
