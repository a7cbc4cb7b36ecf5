"""`stability`: full-size originals against their small twins."""

import argparse
import sys
from pathlib import Path

from benchmarks.commands.options import add_figures_options, print_figures, write_figures

HELP = "how far the prediction moves between a full-size film and its small twin; exit 1 if too far"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("model", type=Path, metavar="BUNDLE", help="the int8 file")
    parser.add_argument("--data", required=True, metavar="DIR", help="the full-size films")
    parser.add_argument(
        "--twins", metavar="DIR", help="small films of the same names (default: data/chest_xray, then $CXR_DATA)"
    )
    add_figures_options(parser)


def run(args: argparse.Namespace) -> int:
    """Compare and print. Exit code 0, or 1 if the median change is over its limit."""
    from benchmarks.studies.stability import StabilityOptions, stability
    from benchmarks.tables.study_tables import stability_table

    found = stability(StabilityOptions(args.model, args.data, args.twins))
    write_figures(args, found)
    print_figures(args, found, stability_table(found))
    if not found["holds"]:
        print(f"benchmarks: the median change is not under {found['most_median_change']}", file=sys.stderr)
    return int(not found["holds"])
