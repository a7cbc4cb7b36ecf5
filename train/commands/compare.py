"""`compare`: networks side by side over several seeds."""

import argparse
import json
from pathlib import Path

NAME = "compare"
HELP = "train networks over several seeds; one table of mean and spread"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--archs", nargs="+", default=["compact"], metavar="NAME", help="default: compact")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    parser.add_argument("--data", metavar="DIR", help="films, or 'phantom' (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--out", type=Path, default=Path("runs/compare"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=0, metavar="N", help="as for fit")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Train, compare and print.

    Returns:
        0; every failure is raised.
    """
    from train.compare import CompareOptions, compare
    from train.comparison import table

    rows = compare(CompareOptions(args.out, tuple(args.archs), tuple(args.seeds), args.data, args.epochs))
    print(json.dumps(rows) if args.json else table(rows))
    return 0
