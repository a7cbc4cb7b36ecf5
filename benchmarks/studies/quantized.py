"""The int8 file of a finished run, made by `python -m convert` in a process of its own.

`convert` imports `train`, so `train` may not import it: what is known of the file is its report.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train.evaluation.run import MODEL, RUN
from train.networks import Architecture

FOLDER, REPORT = "convert", "report.json"


@dataclass(frozen=True)
class Quantized:
    """What became of one run's conversion."""

    format: str  # `int8`, from quantization-aware training, or `ptq`
    path: Path | None = None  # the file, also one that was refused
    bytes: int = 0
    judges: dict[str, Any] = field(default_factory=dict)  # figures on every judge of a file that runs
    refusal: str = ""  # why the gates, or convert itself, said no


def quantized(folder: Path, architecture: Architecture, data: str | None) -> Quantized:
    """Convert a run if that was not done yet, and read the report.

    Args:
        folder: of a finished run.
    """
    report, wanted = folder / FOLDER / REPORT, "int8" if architecture.qat else "ptq"
    if not report.exists() or report.stat().st_mtime < (folder / RUN).stat().st_mtime:
        print(f"compare: converting {folder}", file=sys.stderr, flush=True)
        child = subprocess.run(_words(folder, architecture, data), capture_output=True, text=True, check=False)
        if not report.exists() or child.returncode not in (0, 1):
            lines = child.stderr.strip().splitlines() or [f"exit {child.returncode}"]
            return Quantized(wanted, refusal=f"convert failed: {lines[-1]}")
    return from_report(json.loads(report.read_text(encoding="utf-8")), wanted, folder / FOLDER)


def from_report(rows: list[dict[str, Any]], wanted: str, folder: Path) -> Quantized:
    """The file wanted, or the one made beside it when the gates refuse it and take the other."""
    found = {row["format"]: row for row in rows if row["format"] in ("int8", "ptq")}
    accepted = [name for name in (wanted, *found) if name in found and found[name]["status"] == "ok"]
    row = found[accepted[0] if accepted else wanted]
    path = folder / Path(row["path"]).name
    if row["status"] != "ok":
        return Quantized(wanted, path, row["model_bytes"], row["judges"], row["reason"])
    return Quantized(row["format"], path, row["bundle_bytes"], row["judges"])


def _words(folder: Path, architecture: Architecture, data: str | None) -> list[str]:
    words = [sys.executable, "-m", "convert", "--int8" if architecture.qat else "--ptq"]
    words += ["--model", str(folder / MODEL), "--out", str(folder / FOLDER)]
    words += ["--data", data] if data else []
    operators = architecture.outside_xnnpack
    return words + (["--outside-xnnpack", *operators] if operators else [])
