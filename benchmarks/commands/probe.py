"""`probe`: how well the label can be predicted from how the films were made."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_figures_options, print_figures, write_figures

HELP = "score a classifier that sees only gradients, gray levels and borders: what shortcuts alone are worth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--data",
        action="append",
        metavar="DIR",
        help="films, or 'phantom'; once per hospital (default: data/chest_xray, then $CXR_DATA)",
    )
    parser.add_argument("--manifest", type=Path, metavar="FILE", help="split of a run (default: a new one)")
    add_figures_options(parser)


def run(args: argparse.Namespace) -> int:
    """Probe and print. Exit code 0: every failure is raised."""
    from benchmarks.studies.probe import ProbeOptions, probe
    from benchmarks.tables.study_tables import probe_table

    found = probe(ProbeOptions(args.data, args.manifest))
    write_figures(args, found)
    print_figures(args, found, probe_table(found))
    return 0
