"""Operations per second of the network against a plain int8 matrix product on the same core.

The product is one FULLY_CONNECTED in the same runtime, measured in turns with the network: what is
left between the two is what small layers, memory and the other operators cost.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

NAME = "roofline"
HELP = "int8 operations per second, against a plain int8 matrix product on the same core"
MATMUL = "int8 matrix product"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output.result_files import add_output_arguments

    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="the shipped one by default")
    parser.add_argument("--twin", type=Path, metavar="BUNDLE", help="its float twin")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish.

    Returns:
        0 if the bundle ran in any runtime, else 1.
    """
    from benchmarks.device.harness import machine as device
    from benchmarks.device.harness.interleave import Contender, measure
    from benchmarks.device.latency import bundle_facts, effort, twin_path
    from benchmarks.output import result_files as output
    from edge_app.model.bundle import shipped_bundle_path
    from edge_app.model.runtime import RUNTIMES

    model = args.model or shipped_bundle_path()
    twin = args.twin or twin_path(model)
    result = output.heading(NAME, args) | {"device": device.facts(), "before": device.state()}
    with tempfile.TemporaryDirectory() as folder:
        matmul, missing = _matmul(Path(folder))
        models = [(path.stem, path, bundle_facts(path)) for path in (model, twin) if path]
        models += [(MATMUL, matmul, {"quantization": "int8"})] if matmul else []
        contenders = [Contender(name, engine, path, 1, facts) for name, path, facts in models for engine in RUNTIMES]
        rows = measure(contenders, effort(args.quick), output.progress_on_terminal()) + missing
    add_rates(rows)
    result |= {"after": device.state(), "rows": rows}
    output.publish(args, result, markdown(result), plot(rows))
    return int(all("cannot_run" in row for row in rows if row["name"] == model.stem))


def _matmul(folder: Path) -> tuple[Path | None, list[dict[str, Any]]]:
    from benchmarks.device.harness.matmul import write_matmul

    path = folder / "matmul.tflite"
    try:
        write_matmul(path)
    except ImportError:
        return None, [{"name": MATMUL, "cannot_run": "ai-edge-litert is not installed: its schema writes the file"}]
    return path, []


def add_rates(rows: list[dict[str, Any]]) -> None:
    """Write `gops` into every row, and for int8 its `share_of_matmul` in the same runtime.

    One multiply-accumulate counts as two operations; the time is processor time of the median run.
    """
    from benchmarks.output.statistics import ratio

    ran = [row for row in rows if "rounds" in row and row.get("macs")]
    for row in ran:
        row["gops"] = round(2 * row["macs"] / (row["cpu_median_ms"] * 1e6), 2)
    products = {row["engine"]: row for row in ran if row["name"] == MATMUL}
    for row in ran:
        product = products.get(row["engine"])
        if product and row is not product and row["quantization"] != "float32":
            row["share_of_matmul"] = ratio(_seconds_an_op(product), _seconds_an_op(row))


def _seconds_an_op(row: dict[str, Any]) -> list[float]:
    return [ms / row["macs"] for ms in row["rounds"]["cpu_median_ms"]]


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    from benchmarks.output.result_files import device_line

    flags = ", ".join(result["device"]["cpu_flags"]) or "none known"
    head = f"# Operations per second on one core\n\n{device_line(result)}. Instruction sets: {flags}.\n\n"
    return head + rows_table(result["rows"])


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a row."""
    from benchmarks.output.result_files import figure, interval, table

    body = []
    for row in rows:
        start = [row["name"], row.get("engine_version") or row.get("engine", "-")]
        if "cannot_run" in row:
            body.append([*start, row["cannot_run"], "", "", ""])
        else:
            millions = row["macs"] / 1e6 if row.get("macs") else None
            figures = [figure(millions), figure(row["cpu_median_ms"]), figure(row.get("gops"))]
            body.append([*start, *figures, interval(row.get("share_of_matmul"))])
    head = ["what", "runtime", "million MACs", "p50 processor ms", "Gop/s", "share of the product's rate"]
    return table(head, body, text_columns=2)


def plot(rows: list[dict[str, Any]]) -> str | None:
    """Operations per second of every row that ran."""
    from benchmarks.output.plot import bars

    points = [(row["name"], row["gops"], row["gops"], row["engine_version"]) for row in rows if row.get("gops")]
    return bars("Operations per second on one core", "Gop/s", points) if points else None
