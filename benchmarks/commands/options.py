"""Options that several commands share, and what every measuring command does with its result."""

import argparse
import datetime
import json
import logging
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

LOG = logging.getLogger(__name__)
DEFAULT_FOLDER = Path("runs/benchmarks")


def add_model(parser: argparse.ArgumentParser) -> None:
    """The bundle under test."""
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="the shipped one by default")


def add_twin(parser: argparse.ArgumentParser) -> None:
    """The float twin of the bundle under test."""
    parser.add_argument("--twin", type=Path, metavar="BUNDLE", help="the float twin of the (first) model")


def add_json(parser: argparse.ArgumentParser) -> None:
    """JSON on stdout."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_results_folder(parser: argparse.ArgumentParser) -> None:
    """The folder of the result files."""
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help="folder of the results (default: %(default)s)"
    )


def add_result_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that leaves a result file."""
    add_json(parser)
    add_results_folder(parser)
    parser.add_argument("--quick", action="store_true", help="a short measurement, not for publishing")


def add_study_options(parser: argparse.ArgumentParser) -> None:
    """The options of a study of one split's validation films."""
    parser.add_argument(
        "--manifest", type=Path, required=True, metavar="FILE", help="manifest of the run that a model was made from"
    )
    parser.add_argument("--data", metavar="DIR", help="films (default: data/chest_xray, then $CXR_DATA)")
    add_figures_options(parser)


def add_figures_options(parser: argparse.ArgumentParser) -> None:
    """Where the figures of a study go, see `write_figures`."""
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures there as JSON")
    add_json(parser)


def write_figures(args: argparse.Namespace, figures: dict[str, Any]) -> None:
    """Write a study's figures to `--out`, if it was given.

    Raises:
        OSError: the file cannot be written.
    """
    from edge_app.system.files import write_atomically

    if args.out:
        write_atomically(args.out, (json.dumps(figures, indent=1) + "\n").encode())


def print_figures(args: argparse.Namespace, figures: Any, text: str) -> None:
    """Print a study's figures: as JSON with `--json`, else the text."""
    print(json.dumps(figures) + "\n" if args.json else text, end="")


def typed_command(args: argparse.Namespace, with_out: bool = False) -> str:
    """The command with its arguments as given, for the result file; defaults with a value count as given.

    Args:
        with_out: name the folder of the results, too: of a study, which trains only what it does not hold.
    """
    words = [args.command]
    for name, value in sorted(vars(args).items()):
        if name in ("command", "run", "json") or not value or (name == "out" and not with_out):
            continue
        option = "--" + name.replace("_", "-")
        words += [option] if value is True else [option, *map(str, value if isinstance(value, list) else [value])]
    return f"python -m benchmarks {shlex.join(words)}"


def run_length(args: argparse.Namespace) -> Any:
    """How long `--quick` or its absence lets a command measure: a `RunLength`."""
    from benchmarks.device.harness.candidate import FULL, QUICK

    return QUICK if args.quick else FULL


def measure_and_publish(args: argparse.Namespace, benchmark: ModuleType, options: Any) -> int:
    """Measure, write the result's files with the machine's facts, and print its JSON or its Markdown.

    Args:
        benchmark: has `measure(options, progress)`, which gives a result with its `rows`, `markdown(result)`,
            `succeeded(rows)` and, if it draws one, `plot(rows)`, an SVG or None.
        options: those of its `measure`.
    Returns:
        0 if it succeeded, else 1.
    Raises:
        KitError: as its `measure`.
        OSError: the folder cannot be written to.
    """
    from benchmarks.device.harness.machine import observed
    from benchmarks.output.result_files import FORMAT_VERSION, as_json, write_result
    from edge_app.version import __version__

    measured = observed(lambda: benchmark.measure(options, progress_on_terminal()))
    result = {
        "benchmark": args.command,
        "format_version": FORMAT_VERSION,
        "kit_version": __version__,
        "command": typed_command(args),
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "quick": args.quick,
        **measured,
    }
    text, rows = benchmark.markdown(result), result["rows"]
    plot = benchmark.plot(rows) if hasattr(benchmark, "plot") else None
    path = write_result(args.out, result, text, plot)
    print(as_json(result) if args.json else text, end="")
    LOG.info("written to %s", path)
    return int(not benchmark.succeeded(rows))


def progress_on_terminal() -> Callable[[str], None]:
    """Show progress on stderr if that is a terminal; otherwise do nothing."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda words: print(f"\r\x1b[K{words} ", end="", file=sys.stderr, flush=True)
