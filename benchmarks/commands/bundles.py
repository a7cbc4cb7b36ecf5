"""`bundles`: two or more bundles on the same validation films."""

import argparse
import json
from pathlib import Path

HELP = "score several bundles on every evaluation set of the same validation films"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("models", type=Path, nargs="+", metavar="BUNDLE", help="files with their .sha256")
    parser.add_argument(
        "--manifest", type=Path, required=True, metavar="FILE", help="manifest of the run that one was made from"
    )
    parser.add_argument("--data", metavar="DIR", help="films (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures there as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Score and print.

    Returns:
        0; every failure is raised.
    """
    from benchmarks.studies.bundles import BundlesOptions, compare_bundles
    from benchmarks.tables.bundles_table import bundles_table
    from edge_app.system.files import write_atomically

    rows = compare_bundles(BundlesOptions(tuple(args.models), args.manifest, args.data))
    if args.out:
        write_atomically(args.out, (json.dumps({"rows": rows}, indent=1) + "\n").encode())
    print(json.dumps(rows) if args.json else bundles_table(rows), end="\n" if args.json else "")
    return 0
