"""What a benchmark leaves behind: JSON for machines, Markdown for people, a plot."""

import argparse
import datetime
import json
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge_app import __version__
from edge_app.system.files import write_atomically

DEFAULT_FOLDER = Path("runs/benchmarks")
FORMAT_VERSION = 1


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every command of the bench has."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help="where results go (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="a short look; its figures are not for publishing")


def heading(benchmark: str, args: argparse.Namespace) -> dict[str, Any]:
    """The head of every result file."""
    return {
        "benchmark": benchmark,
        "format_version": FORMAT_VERSION,
        "kit_version": __version__,
        "command": f"python -m benchmarks {shlex.join([benchmark, *_words(args)])}",
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "quick": bool(args.quick),
    }


def publish(args: argparse.Namespace, result: dict[str, Any], markdown: str, plot: str | None = None) -> None:
    """Write `NAME.json`, `NAME.md` and `NAME.svg`, then print one of the first two.

    Raises:
        OSError: the folder cannot be written to.
    """
    name = result["benchmark"]
    text = as_json(result)
    write_atomically(args.out / f"{name}.json", text.encode())
    write_atomically(args.out / f"{name}.md", markdown.encode())
    if plot:
        write_atomically(args.out / f"{name}.svg", plot.encode())
    print(text if args.json else markdown, end="")
    print(f"written to {args.out}/{name}.json", file=sys.stderr)


def as_json(result: dict[str, Any]) -> str:
    """Indented, but lists of numbers on one line: a round a line would make pages of them."""
    text = json.dumps(result, indent=1, allow_nan=False)
    return re.sub(r"\[[\d\s.,e+-]+\]", lambda match: " ".join(match[0].split()), text) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """A Markdown table; the first columns are text, the others are figures."""
    rule = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    lines = [list(head), rule, *map(list, rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def figure(value: float | None, unit: str = "") -> str:
    """A figure with three significant digits; `-` where there is none."""
    if value is None:
        return "-"
    size = abs(value)
    text = f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else ""
    return (text or f"{value:.3f}") + (f" {unit}" if unit else "")


def interval(ratio: dict[str, float] | None) -> str:
    """A ratio with its 95% interval: `3.21 (3.10 to 3.30)`."""
    if ratio is None:
        return "-"
    return f"{figure(ratio['value'])} ({figure(ratio['low'])} to {figure(ratio['high'])})"


def goals_table(goals: Sequence[dict[str, Any]]) -> str:
    """What was promised, what was measured, and whether it holds."""
    body = []
    for goal in goals:
        measured = goal.get("measured", {"wall": None, "cpu": None})
        verdict = {True: "yes", False: "NO", None: goal.get("why")}[goal["holds"]]
        body.append([goal["goal"], interval(measured["wall"]), interval(measured["cpu"]), str(verdict)])
    return table(["goal", "ratio, wall clock", "ratio, processor time", "holds"], body)


def device_line(result: dict[str, Any]) -> str:
    """One line on the machine of a result."""
    device, before, after = result["device"], result["before"], result["after"]
    parts = [device["board"], device["cpu"], f"{device['cores']} cores", device["system"], f"Python {device['python']}"]
    parts += [f"governor {device['governor'] or 'not told'}"]
    parts += [f"load {before['load_average_1min']} before, {after['load_average_1min']} after"]
    if after["temperature_c"] is not None:
        parts += [f"{before['temperature_c']} to {after['temperature_c']} °C"]
    if after["throttled"]:
        parts += [f"THROTTLED: {', '.join(after['throttled'])}"]
    return ", ".join(str(part) for part in parts if part)


def progress_on_terminal() -> Callable[[str], None]:
    """Says on stderr how far a run is, when that is a terminal; else nothing."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda words: print(f"\r\x1b[K{words} ", end="", file=sys.stderr, flush=True)


def _words(args: argparse.Namespace) -> list[str]:
    """The arguments as they were given, for the record; paths stay as they were typed."""
    words: list[str] = []
    for name, value in sorted(vars(args).items()):
        if name in ("command", "run", "json", "out") or value is None or value is False or value == []:
            continue
        option = "--" + name.replace("_", "-")
        words += [option] if value is True else [option, *map(str, value if isinstance(value, list) else [value])]
    return words
