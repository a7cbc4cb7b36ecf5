"""`latency`: how long one inference takes on this machine."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_result_options, add_twin, measure_and_publish, run_length

HELP = "time one inference on this device: p50 to p99, memory, throughput, ops delegated"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--model", type=Path, action="append", metavar="BUNDLE", help="may be repeated")
    add_twin(parser)
    parser.add_argument("--runtime", action="append", metavar="PACKAGE", help="default: every runtime installed")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="default: 1 and all cores")
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish. Exit code 0 if every bundle that was found ran in at least one runtime, else 1."""
    from benchmarks.device import latency
    from edge_app.model.runtimes.registry import RUNTIMES

    options = latency.LatencyOptions(
        models=tuple(args.model or ()),
        twin=args.twin,
        runtimes=tuple(args.runtime or RUNTIMES),
        threads=tuple(args.threads or ()),
        run_length=run_length(args),
    )
    return measure_and_publish(args, latency, options)
