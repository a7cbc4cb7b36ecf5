"""The shipped bundle against other networks that a user might choose, measured in turns.

Runs on a workstation: the other networks are built with TensorFlow (`train` extra) and cached. Every
candidate runs on one thread in a process of its own. The other networks have random weights: their time depends
on their shape alone, and they cannot read a film.
"""

import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.device.harness.bundles import NO_TWIN, bundle_facts, twin_path
from benchmarks.device.harness.candidate import FULL, Candidate, Progress, RunLength
from benchmarks.device.harness.interleave import measure_candidates
from benchmarks.device.network_files import files_of, write_onnx
from benchmarks.device.reference_networks import NETWORKS
from benchmarks.output.goals import NOT_MEASURED, Goal, verdict
from benchmarks.output.markdown import engine_of, measured_table, number, page, ratio_of, words
from benchmarks.output.plot import latency_bars
from benchmarks.output.statistics import ratio
from edge_app.model.bundle import shipped_bundle_path
from edge_app.model.runtimes.registry import RUNTIMES
from edge_app.system.child_process import child_environment

# Each goal with the row that it bounds and the row it is compared with, as (network, kind), in LiteRT.
SHIPPED = ("shipped", "int8")
GOALS = (
    (
        Goal(
            "int8 with its locator is at least 20 times faster than MobileNetV2 at 224 px in int8",
            20.0,
            at_least=True,
        ),
        ("mobilenet-v2", "int8"),
        SHIPPED,
    ),
    (
        Goal("int8 is at least 100 times faster than DenseNet201 in float", 100.0, at_least=True),
        ("densenet201", "float32"),
        SHIPPED,
    ),
    (Goal("int8 takes at most 1.3 times as long as its own float twin", 1.3), SHIPPED, ("shipped", "float32")),
)
GOAL_ENGINE = "ai-edge-litert"
NO_FLOAT_MODEL = "no float model here: python -m train fit, or name one with --float-model"
NO_TENSORFLOW, NO_TF2ONNX = "TensorFlow is not installed", "tf2onnx is not installed"


@dataclass(frozen=True)
class CompareOptions:
    """What to time, and where the built networks are."""

    model: Path | None  # a bundle; None: the shipped one
    twin: Path | None  # its float twin; None: the one found by `twin_path`
    float_model: Path  # the .keras model that it was made from, to time it in TensorFlow
    cache: Path  # folder of the built networks
    networks: tuple[str, ...] = tuple(NETWORKS)
    run_length: RunLength = FULL


def measure(options: CompareOptions, progress: Progress) -> dict[str, Any]:
    """Build the networks that are missing, and time all of them.

    Returns:
        `rows` (the shipped bundle first) and `goals`.
    Raises:
        BundleError: a bundle is missing or damaged.
    """
    candidates = shipped_candidates(options)
    for name in options.networks:
        progress(f"building {name}")
        candidates += network_candidates(name, options.cache)
    rows = measure_candidates(candidates, options.run_length, progress)
    add_ratios(rows)
    return {"rows": rows, "goals": goals(rows)}


def succeeded(rows: list[dict[str, Any]]) -> bool:
    """Whether the shipped bundle ran. A missed goal is a result, and is shown in it."""
    return "rounds" in rows[0]


def shipped_candidates(options: CompareOptions) -> list[Candidate]:
    """The shipped bundle and its float twin, in every engine that can run them.

    Raises:
        BundleError: a bundle is missing or damaged.
    """
    model = options.model or shipped_bundle_path()
    twin = options.twin or twin_path(model)
    int8 = {"title": model.stem, "kind": "int8"} | bundle_facts(model)
    candidates = _in_tflite("shipped", model, int8)
    facts: dict[str, Any] = {"title": model.stem, "kind": "float32"}
    if not twin:
        return candidates + _in_tflite("shipped", model, facts, NO_TWIN)
    facts |= bundle_facts(twin)
    saved_model = options.cache / "shipped-saved-model"
    onnx = options.cache / f"shipped-{facts['model']['sha256'][:12]}.onnx"
    return [
        *candidates,
        *_in_tflite("shipped", twin, facts),
        Candidate("shipped", "tensorflow", saved_model, 1, facts, _export_failure(options.float_model, saved_model)),
        Candidate("shipped", "onnxruntime", onnx, 1, facts, _onnx_failure(onnx, twin)),
    ]


def network_candidates(name: str, folder: Path) -> list[Candidate]:
    """One network, built by a child process so that TensorFlow's memory is freed again."""
    network, files = NETWORKS[name], files_of(name, folder)
    words = [sys.executable, "-m", "benchmarks.device.network_files", name, str(folder)]
    if not all(file.exists() or (kind == "onnx" and not find_spec("tf2onnx")) for kind, file in files.items()):
        subprocess.run(words, check=False, capture_output=True, env=child_environment())
    not_built = f"could not be built here: python {' '.join(words[1:])}"
    why = {"saved_model": NO_TENSORFLOW, "onnx": NO_TF2ONNX}
    missing = {kind: None if file.exists() else why.get(kind, not_built) for kind, file in files.items()}
    facts = {"title": network.title, "input": f"{network.size_px}x{network.size_px}x3", "source": network.source}
    int8, float32 = facts | {"kind": "int8"}, facts | {"kind": "float32"}
    return [
        *_in_tflite(name, files["int8"], int8, missing["int8"]),
        *_in_tflite(name, files["float32"], float32, missing["float32"]),
        Candidate(name, "tensorflow", files["saved_model"], 1, float32, missing["saved_model"]),
        Candidate(name, "onnxruntime", files["onnx"], 1, float32, missing["onnx"]),
    ]


def _in_tflite(name: str, model: Path, facts: dict[str, Any], missing: str | None = None) -> list[Candidate]:
    return [Candidate(name, engine, model, 1, facts, missing) for engine in RUNTIMES]


def _onnx_failure(onnx: Path, twin: Path) -> str | None:
    """Write the float twin as ONNX if that was not done yet; None if the file is there, otherwise the reason."""
    onnx.parent.mkdir(parents=True, exist_ok=True)
    try:
        return None if onnx.exists() or write_onnx(onnx, tflite=twin) else NO_TF2ONNX
    except subprocess.CalledProcessError as cause:
        return f"tf2onnx failed with code {cause.returncode}"


def _export_failure(float_model: Path, saved_model: Path) -> str | None:
    """Export the trained Keras model for TensorFlow; None if that worked, otherwise the reason."""
    if not float_model.exists():
        return NO_FLOAT_MODEL
    words = [sys.executable, "-m", "benchmarks.device.network_files", str(float_model), str(saved_model)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=child_environment())
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else f"{float_model.name} cannot be exported: {lines[-1] if lines else ''}"


def add_ratios(rows: list[dict[str, Any]]) -> None:
    """Write into every row how many times as long it takes as the first one.

    `times_shipped` compares wall clock, `times_shipped_cpu` processor time: on a busy machine a long
    inference is interrupted more often than a short one, which wall clock counts against it.
    """
    if "rounds" not in rows[0]:
        return
    reference = rows[0]["rounds"]
    for row in rows:
        if "rounds" in row:
            row["times_shipped"] = ratio(row["rounds"]["median_ms"], reference["median_ms"])
            row["times_shipped_cpu"] = ratio(row["rounds"]["cpu_median_ms"], reference["cpu_median_ms"])


def goals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The verdict on each goal, by wall clock and by processor time."""

    def row_of(network: str, kind: str) -> dict[str, Any]:
        wanted = (network, kind, GOAL_ENGINE)
        return next((row for row in rows if (row["name"], row["kind"], row["engine"]) == wanted), NOT_MEASURED)

    return [verdict(goal, row_of(*row), row_of(*reference)) for goal, row, reference in GOALS]


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    return page("The shipped bundle against others, one thread", result, rows_table(result["rows"]))


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per file and engine."""
    labels = {"network": words("title"), "kind": words("kind"), "engine": engine_of, "input": words("input")}
    figures = {
        "MB": number("misc_metrics", "model_size_mb"),
        "p50 ms": number("latency_metrics", "median_ms"),
        "p99 ms": number("latency_metrics", "p99_ms"),
        "peak MB": number("memory_metrics", "peak_mem_mb"),
        "times the shipped one": ratio_of("times_shipped"),
    }
    return measured_table(rows, labels, figures, text_columns=4)


def plot(rows: list[dict[str, Any]]) -> str | None:
    """Median and p99 of every row that ran, fastest first; None when none did."""
    ran = sorted((row for row in rows if "rounds" in row), key=lambda row: row["latency_metrics"]["median_ms"])
    title = "One inference on one thread: median, line to p99"
    return latency_bars(title, ran, lambda row: f"{row['title']}, {row['kind']}")
