"""Every benchmark that this machine can run, one after the other, then the page.

`python -m benchmarks all --out benchmarks/results` is how the committed results were made, and
`python -m benchmarks tables` then fills the tables of README.md and docs from them.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

NAME = "all"
HELP = "run every benchmark of this machine, then write the page"
# The commands, and which of the paths below each of them takes.
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
    from benchmarks.output.result_files import add_output_arguments

    for name in ("model", "twin", "float-model", "cache", "films"):
        parser.add_argument(f"--{name}", type=Path, metavar="PATH", help="as for the parts")
    parser.add_argument("--without", action="append", choices=list(PARTS), default=[], help="leave one out")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run them, each in a process of its own, so that no one heats or fills another's.

    Returns:
        0 if all of them worked, else 1; a failed one does not stop the others.
    """
    from benchmarks.device.harness.interleave import child_environment

    failed = []
    for part in (*PARTS, "report"):
        if part in args.without:
            continue
        print(f"benchmarks: {part}", file=sys.stderr, flush=True)
        words = [sys.executable, "-m", "benchmarks", part, *words_for(part, args)]
        if subprocess.run(words, check=False, env=child_environment()).returncode:
            failed.append(part)
    if failed:
        print(f"benchmarks: failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def words_for(part: str, args: argparse.Namespace) -> list[str]:
    """The arguments of one part: the paths it takes, where the results go, and how long to look."""
    given: dict[str, Any] = {name: getattr(args, name) for name in PARTS.get(part, ())}
    words = [word for name, path in given.items() if path for word in (f"--{name.replace('_', '-')}", str(path))]
    words += ["--out", str(args.out)]
    if part != "report":
        words += ["--quick"] * args.quick + ["--json"] * args.json
    return words
