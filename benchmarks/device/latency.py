"""How long one inference takes on this device, by bundle, runtime and number of threads.

Needs the `edge` extra alone. Every row runs in a process of its own, in turns with the others, until
it has 1,000 runs or 10 seconds of them. A row that cannot run here says why, and the others go on.
"""

import argparse
import os
from pathlib import Path
from typing import Any

NAME = "latency"
HELP = "time one inference on this device: p50 to p99, memory, throughput, ops delegated"
TWIN_FOLDER = Path("runs/convert")
NO_TWIN = "no float twin here: python -m convert --float32"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output.result_files import add_output_arguments

    parser.add_argument(
        "--model", type=Path, action="append", metavar="BUNDLE", help="a bundle; several times for several ones"
    )
    parser.add_argument("--twin", type=Path, metavar="BUNDLE", help="the float twin of the first model")
    parser.add_argument("--runtime", action="append", metavar="PACKAGE", help="both by default")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="1 and all cores by default")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish.

    Returns:
        0 if every bundle that was found ran in at least one runtime, else 1.
    """
    from benchmarks.device.harness import machine as device
    from benchmarks.device.harness.interleave import measure
    from benchmarks.output import result_files as output

    contenders, missing = rows_to_measure(args)
    result = output.heading(NAME, args) | {"device": device.facts(), "before": device.state()}
    rows = measure(contenders, effort(args.quick), output.progress_on_terminal()) + missing
    result |= {"after": device.state(), "rows": rows, "ratios": ratios(rows)}
    output.publish(args, result, markdown(result), plot(rows))
    ran = {row["name"] for row in rows if "cannot_run" not in row}
    return int(not ran or any(contender.name not in ran for contender in contenders))


def effort(quick: bool) -> Any:
    """How long to measure; the same for every command with rows in turns."""
    from benchmarks.device.harness.interleave import Effort

    return Effort(rounds=5, min_runs=50, max_seconds=0.5, warmup_seconds=0.05) if quick else Effort()


def rows_to_measure(args: argparse.Namespace) -> tuple[list[Any], list[dict[str, Any]]]:
    """The rows to run, and those of which is known beforehand that they cannot.

    Raises:
        BundleError: a bundle that was named is missing or damaged.
    """
    from benchmarks.device.harness.interleave import Contender
    from edge_app.model.bundle import shipped_bundle_path
    from edge_app.model.runtime import RUNTIMES

    models = args.model or [shipped_bundle_path()]
    twin = args.twin or twin_path(models[0])
    missing = [] if twin else [{"name": f"{models[0].stem}, float32", "cannot_run": NO_TWIN}]
    bundles = [*models, twin] if twin else models
    threads = args.threads or sorted({1, os.cpu_count() or 1})
    contenders = [
        Contender(path.stem, engine, path, count, facts)
        for path, facts in ((path, bundle_facts(path)) for path in bundles)
        for engine in args.runtime or RUNTIMES
        for count in threads
    ]
    return contenders, missing


def twin_path(model: Path) -> Path | None:
    """The float twin of a bundle, beside it or where `convert` leaves it; None if it is in neither.

    Raises:
        BundleError: the bundle is missing or damaged.
    """
    name = f"{bundle_facts(model)['model']['name']}-float32.tflite"
    places = (model.with_name(name), TWIN_FOLDER / name)
    return next((path for path in places if path.exists() and path != model), None)


def bundle_facts(path: Path) -> dict[str, Any]:
    """What a row says of its bundle.

    Raises:
        BundleError: it is missing or damaged.
    """
    from edge_app.model.bundle import read_bundle

    bundle = read_bundle(path)
    card = bundle.card
    return {
        "model": {"name": card.name, "version": card.version, "sha256": bundle.sha256, "phantom": card.phantom},
        "input": f"{card.input_size_px}x{card.input_size_px}x1",
        "quantization": card.quantization,
    }


def ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a person wants to know of the rows: int8 against float, and more threads against one."""
    from benchmarks.output.statistics import ratio

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
    from benchmarks.output.result_files import device_line

    lines = [f"# Latency of one inference\n\n{device_line(result)}.\n\n", rows_table(result["rows"])]
    if result["ratios"]:
        lines += ["\nTimes as long, with 95% intervals over the rounds:\n\n", ratios_table(result["ratios"])]
    return "".join(lines)


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a row; those that could not run say why."""
    from benchmarks.output.result_files import figure, table

    head = ["model", "runtime", "threads", "load ms", "first ms", "p50 ms", "p90", "p99", "max", "std", "per s"]
    head += ["peak MB", "delegated"]
    body = []
    for row in rows:
        start = [row["name"], row.get("engine_version") or row.get("engine", "-"), str(row.get("threads", "-"))]
        if "cannot_run" in row:
            body.append([*start, row["cannot_run"], *[""] * (len(head) - 4)])
            continue
        metrics, memory, ops = row["latency_metrics"], row["memory_metrics"], row["ops"]
        names = ("init_ms", "first_inference_ms", "median_ms", "p90_ms", "p99_ms", "max_ms", "stddev_ms")
        figures = [figure(metrics[name]) for name in names]
        figures += [f"{row['throughput_per_s']:.0f}", figure(memory and memory["peak_mem_mb"])]
        body.append([*start, *figures, f"{ops['delegated']} of {ops['total']}" if ops else "-"])
    return table(head, body, text_columns=2)


def ratios_table(found: list[dict[str, Any]]) -> str:
    """One line a ratio."""
    from benchmarks.output.result_files import interval, table

    body = [[r["question"], r["name"], r["engine"], str(r["threads"]), interval(r["ratio"])] for r in found]
    return table(["question", "model", "runtime", "threads", "ratio"], body, text_columns=3)


def plot(rows: list[dict[str, Any]]) -> str | None:
    """Median and p99 of every row that ran; None when none did."""
    from benchmarks.output.plot import bars

    ran = [row for row in rows if "rounds" in row]
    points = [
        (
            f"{row['name']}, {row['threads']} thread{'s' * (row['threads'] > 1)}",
            row["latency_metrics"]["median_ms"],
            row["latency_metrics"]["p99_ms"],
            row["engine_version"],
        )
        for row in ran
    ]
    return bars("One inference: median, line to p99", "ms", points) if points else None
