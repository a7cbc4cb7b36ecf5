"""`bulk`: a folder of many films with several workers."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_model, add_result_options, measure_and_publish

HELP = "score a folder of many films with several workers, by processes and by Dask"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    add_model(parser)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="films to score instead of phantoms")
    parser.add_argument("--films", type=int, default=10_000, metavar="N", help="how many phantoms (default: 10000)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="address of a running Dask cluster, as tcp://10.0.0.1:8786"
    )
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish. Exit code 0 if every film got an answer and all engines that ran agree, else 1."""
    from benchmarks.device import bulk

    films = bulk.QUICK_FILMS if args.quick else args.films
    options = bulk.BulkOptions(args.model, args.folder, films, tuple(args.workers), args.scheduler)
    return measure_and_publish(args, bulk, options)
