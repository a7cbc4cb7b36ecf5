"""`all`: every benchmark that this machine can run, one after the other, then the page.

`python -m benchmarks all --out benchmarks/results` is how the committed results were made, and
`python -m benchmarks tables` then fills the tables of README.md and docs from them.
"""

import argparse
import logging
import subprocess
import sys
from pathlib import Path

from benchmarks.commands.options import add_result_options

HELP = "run every benchmark of this machine, then write the page"
LOG = logging.getLogger(__name__)
# The benchmarks in the order in which they run, and which of the paths below each of them takes.
PARTS: dict[str, tuple[str, ...]] = {
    "latency": ("model", "twin"),
    "roofline": ("model", "twin"),
    "pipeline": ("model", "films"),
    "coldstart": ("model",),
    "kiosk": (),
    "bulk": ("model",),
    "compare": ("model", "twin", "float_model", "cache"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    for name in ("model", "twin", "float-model", "cache", "films"):
        parser.add_argument(f"--{name}", type=Path, metavar="PATH", help="as for the benchmarks that take it")
    parser.add_argument("--without", action="append", choices=list(PARTS), default=[], help="leave one out")
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run each in a process of its own, so that none affects another's memory.

    Returns:
        0 if every one worked, else 1; a failed one does not stop the others.
    """
    from edge_app.system.child_process import child_environment

    failed = []
    for part in (*PARTS, "report"):
        if part in args.without:
            continue
        LOG.info(part)
        words = [sys.executable, "-m", "benchmarks", part, *words_for(part, args)]
        if subprocess.run(words, check=False, env=child_environment()).returncode:
            failed.append(part)
    if failed:
        LOG.error("failed: %s", ", ".join(failed))
    return int(bool(failed))


def words_for(part: str, args: argparse.Namespace) -> list[str]:
    """The arguments of one benchmark: the paths it takes, the folder of the results, and how to run and print."""
    given = {name: getattr(args, name) for name in PARTS.get(part, ())}
    words = [word for name, path in given.items() if path for word in (f"--{name.replace('_', '-')}", str(path))]
    words += ["--out", str(args.out)]
    if part != "report":
        words += ["--quick"] * args.quick + ["--json"] * args.json
    return words
