"""`occlusion`: does the chest decide, or what lies around it?"""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_study_options, print_figures, write_figures

HELP = "hide frame or chest of validation films, add a marker, mirror, turn: see what decides"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("model", type=Path, metavar="BUNDLE", help="the int8 file")
    add_study_options(parser)


def run(args: argparse.Namespace) -> int:
    """Score and print. Exit code 0: every failure is raised."""
    from benchmarks.studies.occlusion import OcclusionOptions, measure_occlusion
    from benchmarks.tables.study_tables import occlusion_table

    found = measure_occlusion(OcclusionOptions(args.model, args.manifest, args.data))
    write_figures(args, found)
    print_figures(args, found, occlusion_table(found))
    return 0
