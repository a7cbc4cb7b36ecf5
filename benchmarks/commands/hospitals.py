"""`hospitals`: drawn hospitals show why one hospital's films are not enough."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_json, print_figures

HELP = "train at one drawn hospital and at two, and score each at both: why several sources are needed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--out", type=Path, default=Path("runs/hospitals"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--arch", default="compact", help="the network (default: %(default)s)")
    parser.add_argument("--films", type=int, default=60, metavar="N", help="films per class and hospital (default: 60)")
    parser.add_argument("--epochs", type=int, default=24, metavar="N", help="default: %(default)s")
    parser.add_argument("--recipe", default="no-augmentation", metavar="NAME", help="as for fit (default: %(default)s)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Train, score and print. Exit code 0: every failure is raised."""
    from benchmarks.studies.hospitals import HospitalOptions, compare_hospitals
    from benchmarks.tables.study_tables import hospitals_table

    rows = compare_hospitals(HospitalOptions(args.out, args.arch, args.films, args.epochs, args.recipe))
    print_figures(args, rows, hospitals_table(rows))
    return 0
