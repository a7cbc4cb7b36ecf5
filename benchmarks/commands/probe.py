"""`probe`: how well the label can be predicted from how the films were made."""

import argparse
import json
from pathlib import Path

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
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Probe and print.

    Returns:
        0; every failure is raised.
    """
    from dataclasses import asdict

    from benchmarks.studies.probe import ProbeOptions, probe

    found = probe(ProbeOptions(args.data, args.manifest))
    if args.json:
        print(json.dumps({view: {name: asdict(auc) for name, auc in sets.items()} for view, sets in found.items()}))
        return 0
    for view, sets in found.items():
        print(f"{view}:")
        for name, auc in sets.items():
            print(f"  {name:16} AUC {auc.value:.4f} (95% interval {auc.low:.4f} to {auc.high:.4f})")
    return 0
