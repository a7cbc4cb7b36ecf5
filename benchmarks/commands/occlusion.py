"""`occlusion`: does the chest decide, or what lies around it?"""

import argparse
import json
from pathlib import Path

HELP = "hide frame or chest of validation films, add a marker, mirror, turn: see what decides"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("model", type=Path, metavar="BUNDLE", help="the int8 file")
    parser.add_argument(
        "--manifest", type=Path, required=True, metavar="FILE", help="manifest of the run that it was made from"
    )
    parser.add_argument("--data", metavar="DIR", help="films (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures there as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Score and print.

    Returns:
        0; every failure is raised.
    """
    from benchmarks.studies.occlusion import OcclusionOptions, measure_occlusion
    from benchmarks.tables.occlusion_table import occlusion_table
    from edge_app.system.files import write_atomically

    found = measure_occlusion(OcclusionOptions(args.model, args.manifest, args.data))
    if args.out:
        write_atomically(args.out, (json.dumps(found, indent=1) + "\n").encode())
    print(json.dumps(found) if args.json else occlusion_table(found), end="\n" if args.json else "")
    return 0
