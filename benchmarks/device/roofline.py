"""Operations per second of the network against a plain int8 matrix product on the same core.

The product is one FULLY_CONNECTED in the same runtime, measured in turns with the network. The
difference between the two is the cost of small layers, memory and the other operators.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.device.harness.bundles import bundle_facts, twin_path
from benchmarks.device.harness.candidate import FULL, Candidate, Progress, RunLength
from benchmarks.device.harness.interleave import measure_candidates
from benchmarks.device.harness.matmul import write_matmul
from benchmarks.output.markdown import engine_of, figure, measured_table, number, page, ratio_of, words
from benchmarks.output.plot import bars
from benchmarks.output.statistics import ratio
from edge_app.model.bundle import shipped_bundle_path
from edge_app.model.runtimes.registry import RUNTIMES

MATMUL = "int8 matrix product"
NO_SCHEMA = "ai-edge-litert is not installed: its schema writes the file"


@dataclass(frozen=True)
class RooflineOptions:
    """What to compare with the matrix product."""

    model: Path | None = None  # a bundle; None: the shipped one
    twin: Path | None = None  # its float twin; None: the one found by `twin_path`
    run_length: RunLength = FULL


def measure(options: RooflineOptions, progress: Progress) -> dict[str, Any]:
    """Time the bundle, its float twin and the matrix product in every runtime, on one thread.

    Returns:
        `rows`; the rows of the bundle come first.
    Raises:
        BundleError: a bundle is missing or damaged.
    """
    model = options.model or shipped_bundle_path()
    models = [(path.stem, path, bundle_facts(path)) for path in (model, options.twin or twin_path(model)) if path]
    with tempfile.TemporaryDirectory() as folder:
        matmul, missing = _matmul(Path(folder))
        files = [*models, *([(MATMUL, matmul, {"quantization": "int8"})] if matmul else [])]
        candidates = [Candidate(name, engine, path, 1, facts) for name, path, facts in files for engine in RUNTIMES]
        rows = measure_candidates(candidates, options.run_length, progress) + missing
    add_rates(rows)
    return {"rows": rows}


def succeeded(rows: list[dict[str, Any]]) -> bool:
    """Whether the bundle ran in any runtime."""
    return any("cannot_run" not in row for row in rows if row["name"] == rows[0]["name"])


def _matmul(folder: Path) -> tuple[Path | None, list[dict[str, Any]]]:
    path = folder / "matmul.tflite"
    try:
        write_matmul(path)
    except ImportError:
        return None, [{"name": MATMUL, "cannot_run": NO_SCHEMA}]
    return path, []


def add_rates(rows: list[dict[str, Any]]) -> None:
    """Write `gops` into every row, and for int8 its `share_of_matmul` in the same runtime.

    One multiply-accumulate counts as two operations; the time is processor time of the median run.
    """
    ran = [row for row in rows if "rounds" in row and row.get("macs")]
    for row in ran:
        row["gops"] = round(2 * row["macs"] / (row["cpu_median_ms"] * 1e6), 2)
    products = {row["engine"]: row for row in ran if row["name"] == MATMUL}
    for row in ran:
        product = products.get(row["engine"])
        if product and row is not product and row["quantization"] != "float32":
            row["share_of_matmul"] = ratio(_ms_per_mac(product), _ms_per_mac(row))


def _ms_per_mac(row: dict[str, Any]) -> list[float]:
    return [ms / row["macs"] for ms in row["rounds"]["cpu_median_ms"]]


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    flags = ", ".join(result["device"]["cpu_flags"]) or "none known"
    rows = rows_table(result["rows"])
    return page("Operations per second on one core", result, rows, f"Instruction sets: {flags}.")


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per file and runtime."""
    figures = {
        "million MACs": millions,
        "p50 processor ms": number("cpu_median_ms"),
        "Gop/s": number("gops"),
        "share of the product's rate": ratio_of("share_of_matmul"),
    }
    return measured_table(rows, {"file": words("name"), "runtime": engine_of}, figures, text_columns=2)


def millions(row: dict[str, Any]) -> str:
    """The cell of the multiply-accumulates; `-` for an engine that does not list its operators."""
    return figure(row["macs"] / 1e6 if row.get("macs") else None)


def plot(rows: list[dict[str, Any]]) -> str | None:
    """Operations per second of every row that ran; None when none did."""
    points = [(row["name"], row["gops"], row["gops"], row["engine_version"]) for row in rows if row.get("gops")]
    return bars("Operations per second on one core", "Gop/s", points) if points else None
