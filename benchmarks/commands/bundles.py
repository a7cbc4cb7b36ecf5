"""`bundles`: two or more bundles on the same validation films."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_study_options, print_figures, write_figures

HELP = "score several bundles on every evaluation set of the same validation films"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("models", type=Path, nargs="+", metavar="BUNDLE", help="files with their .sha256")
    add_study_options(parser)


def run(args: argparse.Namespace) -> int:
    """Score and print. Exit code 0: every failure is raised."""
    from benchmarks.studies.bundles import BundlesOptions, compare_bundles
    from benchmarks.tables.study_tables import bundles_table

    rows = compare_bundles(BundlesOptions(tuple(args.models), args.manifest, args.data))
    write_figures(args, {"rows": rows})
    print_figures(args, rows, bundles_table(rows))
    return 0
