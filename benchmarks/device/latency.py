"""How long one inference takes on this machine, by bundle, runtime and number of threads.

Needs only the `edge` extra. Every candidate runs in a process of its own, in turns with the others,
until it has 1,000 runs or 10 seconds of them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.device.harness.bundles import NO_TWIN, bundle_facts, twin_path
from benchmarks.device.harness.candidate import FULL, Candidate, Progress, RunLength
from benchmarks.device.harness.interleave import measure_candidates
from benchmarks.output.markdown import engine_of, interval, measured_table, number, page, table, words
from benchmarks.output.plot import latency_bars
from benchmarks.output.statistics import ratio
from edge_app.model.bundle import shipped_bundle_path
from edge_app.model.runtimes.registry import RUNTIMES

LABELS = {"model": words("name"), "runtime": engine_of, "threads": words("threads")}


@dataclass(frozen=True)
class LatencyOptions:
    """What to time."""

    models: tuple[Path, ...] = ()  # bundles; none: the shipped one
    twin: Path | None = None  # the float twin of the first model; None: the one found by `twin_path`
    runtimes: tuple[str, ...] = tuple(RUNTIMES)
    threads: tuple[int, ...] = ()  # 1 or more each; none: 1 and all cores
    run_length: RunLength = FULL


def measure(options: LatencyOptions, progress: Progress) -> dict[str, Any]:
    """Time every bundle in every runtime with every number of threads.

    Returns:
        `rows` and `ratios`.
    Raises:
        BundleError: a bundle that was named is missing or damaged.
    """
    models = options.models or (shipped_bundle_path(),)
    twin = options.twin or twin_path(models[0])
    missing = [] if twin else [{"name": f"{models[0].stem}, float32", "cannot_run": NO_TWIN}]
    bundles = [(path, bundle_facts(path)) for path in (*models, twin) if path]
    candidates = [
        Candidate(path.stem, engine, path, count, facts)
        for path, facts in bundles
        for engine in options.runtimes
        for count in options.threads or sorted({1, os.cpu_count() or 1})
    ]
    rows = measure_candidates(candidates, options.run_length, progress) + missing
    return {"rows": rows, "ratios": ratios(rows)}


def succeeded(rows: list[dict[str, Any]]) -> bool:
    """Whether every bundle that was found ran in at least one runtime."""
    found = {row["name"] for row in rows if "engine" in row}
    return found == {row["name"] for row in rows if "cannot_run" not in row}


def ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare int8 with its float twin, and more threads with one."""
    ran = {(row["name"], row["engine"], row["threads"]): row for row in rows if "rounds" in row}
    found = []
    twins = {(_model(row), row["engine"], row["threads"]): row for row in ran.values() if _is_float(row)}
    for (name, engine, threads), row in ran.items():
        twin = None if _is_float(row) else twins.get((_model(row), engine, threads))
        single = ran.get((name, engine, 1)) if threads > 1 else None
        for question, other in (("int8 over float twin", twin), (f"{threads} threads over 1", single)):
            if other:
                wall = ratio(row["rounds"]["median_ms"], other["rounds"]["median_ms"])
                found.append({"name": name, "engine": engine, "threads": threads, "question": question, "ratio": wall})
    return found


def _is_float(row: dict[str, Any]) -> bool:
    return bool(row["quantization"] == "float32")


def _model(row: dict[str, Any]) -> str:
    return str(row["model"]["name"]).removesuffix("-float32")


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    text = page("Latency of one inference", result, rows_table(result["rows"]))
    if result["ratios"]:
        text += "\nRatios of the time, with 95% intervals over the rounds:\n\n" + ratios_table(result["ratios"])
    return text


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per bundle, runtime and number of threads."""
    figures = {
        "load ms": number("latency_metrics", "init_ms"),
        "first ms": number("latency_metrics", "first_inference_ms"),
        "p50 ms": number("latency_metrics", "median_ms"),
        "p90": number("latency_metrics", "p90_ms"),
        "p99": number("latency_metrics", "p99_ms"),
        "max": number("latency_metrics", "max_ms"),
        "std": number("latency_metrics", "stddev_ms"),
        "per s": lambda row: f"{row['throughput_per_s']:.0f}",
        "peak MB": number("memory_metrics", "peak_mem_mb"),
        "delegated": delegated,
    }
    return measured_table(rows, LABELS, figures, text_columns=2)


def delegated(row: dict[str, Any]) -> str:
    """The cell of the operators that a delegate took over."""
    return f"{row['ops']['delegated']} of {row['ops']['total']}" if row["ops"] else "-"


def ratios_table(found: list[dict[str, Any]]) -> str:
    """One line per ratio."""
    body = [[r["question"], r["name"], r["engine"], str(r["threads"]), interval(r["ratio"])] for r in found]
    return table(["question", "model", "runtime", "threads", "ratio"], body, text_columns=3)


def plot(rows: list[dict[str, Any]]) -> str | None:
    """Median and p99 of every row that ran; None when none did."""

    def label(row: dict[str, Any]) -> str:
        return f"{row['name']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"

    return latency_bars("One inference: median, line to p99", rows, label)
