"""The shipped bundle against what people would otherwise have used, in one interleaved run.

Host side: the rivals are built with TensorFlow (`train` extra) and kept in a cache.
Every row runs on one thread in a process of its own. A rival has random weights: its time is that of
its shape, and none of these files can read a film.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NAME = "compare"
HELP = "time the shipped bundle against MobileNet, EfficientNet-Lite, DenseNet and others, here"
# What is held, single thread, in LiteRT: question, rival, its kind, and the bound on the ratio.
GOALS = (
    ("int8 is at least 20 times faster than MobileNetV2 at 224 px in int8", "mobilenet-v2", "int8", "at least", 20.0),
    ("int8 is at least 100 times faster than DenseNet201 in float", "densenet201", "float32", "at least", 100.0),
    ("int8 takes at most 1.3 times as long as its own float twin", "shipped", "float32", "at most", 1.3),
)
GOAL_ENGINE = "ai-edge-litert"
CACHE = Path("runs/benchmarks/networks")
FLOAT_MODEL = Path("runs/fit/model.keras")
NO_FLOAT_MODEL = "no float model here: python -m train fit, or name one with --float-model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.device.reference_networks import NETWORKS
    from benchmarks.output.result_files import add_output_arguments

    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="the shipped one by default")
    parser.add_argument("--twin", type=Path, metavar="BUNDLE", help="its float twin")
    parser.add_argument(
        "--float-model",
        type=Path,
        default=FLOAT_MODEL,
        metavar="PATH",
        help="the .keras model it was made from, to time it in TensorFlow (default: %(default)s)",
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="DIR", help="where built networks are kept (default: %(default)s)"
    )
    parser.add_argument("--network", action="append", choices=list(NETWORKS), help="all of them by default")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Build what is missing, measure, publish.

    Returns:
        0 if the shipped bundle ran, else 1. A missed goal is a result, and stands in it.
    """
    from benchmarks.device.harness import machine as device
    from benchmarks.device.harness.interleave import measure
    from benchmarks.device.latency import effort
    from benchmarks.device.reference_networks import NETWORKS
    from benchmarks.output import result_files as output

    progress = output.progress_on_terminal()
    names = args.network or list(NETWORKS)
    contenders, missing = shipped_rows(args)
    for name in names:
        progress(f"building {name}")
        found, absent = rival_rows(name, args.cache)
        contenders += found
        missing += absent
    result = output.heading(NAME, args) | {"device": device.facts(), "before": device.state()}
    rows = measure(contenders, effort(args.quick), progress) + missing
    add_ratios(rows)
    result |= {"after": device.state(), "rows": rows, "goals": goals(rows)}
    output.publish(args, result, markdown(result), plot(rows))
    return int("rounds" not in rows[0])


def shipped_rows(args: argparse.Namespace) -> tuple[list[Any], list[dict[str, Any]]]:
    """The shipped bundle and its float twin, in everything that can run them.

    Raises:
        BundleError: a bundle is missing or damaged.
    """
    from benchmarks.device.latency import NO_TWIN, bundle_facts, twin_path
    from benchmarks.device.reference_networks import write_onnx
    from edge_app.model.bundle import shipped_bundle_path

    model = args.model or shipped_bundle_path()
    twin = args.twin or twin_path(model)
    contenders = _tflite_rows("shipped", model, {"title": model.stem, "kind": "int8"} | bundle_facts(model))
    facts: dict[str, Any] = {"title": model.stem, "kind": "float32"}
    if not twin:
        return contenders, [{"name": "shipped", "cannot_run": NO_TWIN} | facts]
    twin_facts = facts | bundle_facts(twin)
    contenders += _tflite_rows("shipped", twin, twin_facts)
    onnx = args.cache / f"shipped-{twin_facts['model']['sha256'][:12]}.onnx"
    onnx.parent.mkdir(parents=True, exist_ok=True)
    onnx_failure = _failure(lambda: onnx.exists() or write_onnx(onnx, tflite=twin))
    saved_model = args.cache / "shipped-saved-model"
    saved_failure = _float_model_failure(args.float_model, saved_model)
    return _with_float_rows(contenders, "shipped", facts, (saved_model, saved_failure), (onnx, onnx_failure))


def rival_rows(name: str, folder: Path) -> tuple[list[Any], list[dict[str, Any]]]:
    """One rival, built by a child process so that TensorFlow's memory goes away again."""
    from benchmarks.device.harness.interleave import child_environment
    from benchmarks.device.reference_networks import NETWORKS, files_of

    network, files = NETWORKS[name], files_of(name, folder)
    words = [sys.executable, "-m", "benchmarks.device.reference_networks", name, str(folder)]
    if not all(file.exists() or (kind == "onnx" and not find_spec("tf2onnx")) for kind, file in files.items()):
        subprocess.run(words, check=False, capture_output=True, env=child_environment())
    facts = {"title": network.title, "input": f"{network.size_px}x{network.size_px}x3", "source": network.source}
    contenders: list[Any] = []
    missing: list[dict[str, Any]] = []
    for kind in ("int8", "float32"):
        if files[kind].exists():
            contenders += _tflite_rows(name, files[kind], facts | {"kind": kind})
        else:
            why = f"could not be built here: {' '.join(words[1:])}"
            missing.append({"name": name, "cannot_run": why} | facts | {"kind": kind})
    saved, onnx = files["saved_model"], files["onnx"]
    found, absent = _with_float_rows(
        contenders,
        name,
        facts | {"kind": "float32"},
        (saved, None if saved.exists() else "TensorFlow is not installed"),
        (onnx, None if onnx.exists() else "tf2onnx is not installed"),
    )
    return found, missing + absent


def _tflite_rows(name: str, model: Path, facts: dict[str, Any]) -> list[Any]:
    from benchmarks.device.harness.interleave import Contender
    from edge_app.model.runtime import RUNTIMES

    return [Contender(name, engine, model, 1, facts) for engine in RUNTIMES]


def _with_float_rows(
    contenders: list[Any],
    name: str,
    facts: dict[str, Any],
    saved_model: tuple[Path, str | None],
    onnx: tuple[Path, str | None],
) -> tuple[list[Any], list[dict[str, Any]]]:
    """Add TensorFlow and ONNX Runtime, or the reason why not."""
    from benchmarks.device.harness.interleave import Contender

    missing: list[dict[str, Any]] = []
    for engine, (path, failure) in (("tensorflow", saved_model), ("onnxruntime", onnx)):
        if failure:
            missing.append({"name": name, "engine": engine, "threads": 1, "cannot_run": failure} | facts)
        else:
            contenders.append(Contender(name, engine, path, 1, facts))
    return contenders, missing


def _failure(attempt: Callable[[], bool]) -> str | None:
    """None if an ONNX file was made, else why not."""
    try:
        return None if attempt() else "tf2onnx is not installed"
    except subprocess.CalledProcessError as cause:
        return f"tf2onnx failed with code {cause.returncode}"


def _float_model_failure(float_model: Path, saved_model: Path) -> str | None:
    """Export the trained Keras model for TensorFlow; None if that worked, else why not."""
    from benchmarks.device.harness.interleave import child_environment

    if not float_model.exists():
        return NO_FLOAT_MODEL
    words = [sys.executable, "-m", "benchmarks.device.reference_networks", str(float_model), str(saved_model)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=child_environment())
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else f"{float_model.name} cannot be exported: {lines[-1] if lines else ''}"


def add_ratios(rows: list[dict[str, Any]]) -> None:
    """Write into every row how many times longer it takes than the first one.

    `times_shipped` compares wall clock, `times_shipped_cpu` processor time: on a busy machine a long
    inference is interrupted more often than a short one, which wall clock counts against it.
    """
    from benchmarks.output.statistics import ratio

    if "rounds" not in rows[0]:
        return
    reference = rows[0]["rounds"]
    for row in rows:
        if "rounds" in row:
            row["times_shipped"] = ratio(row["rounds"]["median_ms"], reference["median_ms"])
            row["times_shipped_cpu"] = ratio(row["rounds"]["cpu_median_ms"], reference["cpu_median_ms"])


def goals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was promised, and whether it holds here by wall clock and by processor time both."""
    return [_judged(goal, rows) for goal in GOALS]


def _judged(goal: tuple[str, str, str, str, float], rows: list[dict[str, Any]]) -> dict[str, Any]:
    words, name, kind, direction, bound = goal
    judged: dict[str, Any] = {"goal": words, "bound": bound}
    row = next((r for r in rows if (r["name"], r["kind"], r.get("engine")) == (name, kind, GOAL_ENGINE)), None)
    if not row or "times_shipped" not in row:
        return judged | {"holds": None, "why": row["cannot_run"] if row and "cannot_run" in row else "not measured"}
    ratios = {"wall": row["times_shipped"], "cpu": row["times_shipped_cpu"]}
    if direction == "at most":
        ratios = {clock: _inverse(ratio) for clock, ratio in ratios.items()}
        worst = max(ratio["value"] for ratio in ratios.values())
        return judged | {"measured": ratios, "holds": worst <= bound}
    worst = min(ratio["value"] for ratio in ratios.values())
    return judged | {"measured": ratios, "holds": worst >= bound}


def _inverse(ratio: dict[str, float]) -> dict[str, float]:
    """The same comparison seen from the other side."""
    return {
        "value": round(1 / ratio["value"], 4),
        "low": round(1 / ratio["high"], 4),
        "high": round(1 / ratio["low"], 4),
    }


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    from benchmarks.output.result_files import device_line, goals_table

    lines = [
        f"# The shipped bundle against others, one thread\n\n{device_line(result)}.\n\n",
        goals_table(result["goals"]),
    ]
    lines += ["\n", rows_table(result["rows"])]
    return "".join(lines)


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a row; those that could not run say why."""
    from benchmarks.output.result_files import figure, interval, table

    head = ["network", "kind", "engine", "input", "MB", "p50 ms", "p99 ms", "peak MB", "times the shipped one"]
    body = []
    for row in rows:
        engine = row.get("engine_version") or row.get("engine", "-")
        start = [row["title"], row["kind"], engine, row.get("input", "-")]
        if "cannot_run" in row:
            body.append([*start, row["cannot_run"], "", "", "", ""])
            continue
        metrics, memory = row["latency_metrics"], row["memory_metrics"]
        figures = [row["misc_metrics"]["model_size_mb"], metrics["median_ms"], metrics["p99_ms"]]
        figures += [memory and memory["peak_mem_mb"]]
        body.append([*start, *map(figure, figures), interval(row.get("times_shipped"))])
    return table(head, body, text_columns=4)


def plot(rows: list[dict[str, Any]]) -> str | None:
    """Every row that ran, fastest first."""
    from benchmarks.output.plot import bars

    ran = sorted((row for row in rows if "rounds" in row), key=lambda row: row["latency_metrics"]["median_ms"])
    points = [
        (
            f"{row['title']}, {row['kind']}",
            row["latency_metrics"]["median_ms"],
            row["latency_metrics"]["p99_ms"],
            row["engine_version"],
        )
        for row in ran
    ]
    return bars("One inference on one thread: median, line to p99", "ms", points) if points else None
