"""`rejection`: what is refused, and what gets a warning."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_model, add_result_options, measure_and_publish

HELP = "count what is refused: turned, cut or inverted films, and pictures that are not films"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    add_model(parser)
    parser.add_argument("--data", default="phantom", help="films, as for train (default: %(default)s)")
    parser.add_argument(
        "--manifest", type=Path, metavar="FILE", help="manifest of the model's run: use only its validation films"
    )
    parser.add_argument(
        "--others", type=Path, metavar="DIR", help="pictures that are not chest films, one folder per kind"
    )
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Count and publish. Exit code 0 if enough films pass as they are, else 1."""
    from benchmarks.studies import rejection

    counts = {"films": rejection.QUICK, "drawn": rejection.QUICK} if args.quick else {}
    options = rejection.RejectionOptions(args.model, args.data, args.manifest, args.others, **counts)
    return measure_and_publish(args, rejection, options)
