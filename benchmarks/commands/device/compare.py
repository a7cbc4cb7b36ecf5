"""`compare`: the shipped bundle against other networks."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_model, add_result_options, add_twin, measure_and_publish, run_length

HELP = "time the shipped bundle against MobileNet, EfficientNet-Lite, DenseNet and others, here"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.device.reference_networks import NETWORKS

    add_model(parser)
    add_twin(parser)
    parser.add_argument(
        "--float-model",
        type=Path,
        default=Path("runs/fit/model.keras"),
        metavar="PATH",
        help="the .keras model it was made from, to time it in TensorFlow (default: %(default)s)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path("runs/benchmarks/networks"),
        metavar="DIR",
        help="folder of the built networks (default: %(default)s)",
    )
    parser.add_argument("--network", action="append", choices=list(NETWORKS), help="default: all of them")
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Build what is missing, measure, publish.

    Returns:
        0 if the shipped bundle ran, else 1. A missed goal is a result, and is shown in it.
    """
    from benchmarks.device import compare
    from benchmarks.device.reference_networks import NETWORKS

    options = compare.CompareOptions(
        model=args.model,
        twin=args.twin,
        float_model=args.float_model,
        cache=args.cache,
        networks=tuple(args.network or NETWORKS),
        run_length=run_length(args),
    )
    return measure_and_publish(args, compare, options)
