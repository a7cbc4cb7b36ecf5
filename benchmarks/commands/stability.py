"""`stability`: full-size originals against their small twins."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.commands.options import add_figures_options, write_figures

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
    """Compare and print.

    Returns:
        0, or 1 if the median change is over its limit.
    """
    from benchmarks.studies.stability import StabilityOptions, stability

    found = stability(StabilityOptions(args.model, args.data, args.twins))
    write_figures(args, found)
    print(json.dumps(found) if args.json else _words(found))
    if not found["holds"]:
        print(f"benchmarks: the median change is not under {found['most_median_change']}", file=sys.stderr)
    return int(not found["holds"])


def _words(found: dict[str, Any]) -> str:
    median, share = found["median_change"], found["share_changed"]
    return (
        f"{found['model']}, {found['pairs']} films and their small twins, change of P(pneumonia):\n"
        f"  median {median['value']:.4f} (95% interval {median['low']:.4f} to {median['high']:.4f}), "
        f"95th percentile {found['p95_change']:.4f}, largest {found['max_change']:.4f}\n"
        f"  decisions changed {found['decisions_changed']} "
        f"({share['value']:.3f}, 95% interval {share['low']:.3f} to {share['high']:.3f})"
    )
