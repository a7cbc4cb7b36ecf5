"""`tune`: search for better settings of the compact network."""

import argparse
import json
from pathlib import Path
from typing import Any

HELP = "search for better settings of the compact network with keras-tuner"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=20, metavar="N", help="epochs per trial (default: %(default)s)")
    parser.add_argument("--data", metavar="DIR", help="films, or 'phantom' (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the search and of each training")
    parser.add_argument("--out", type=Path, default=Path("runs/tune"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print the trials as JSON")


def run(args: argparse.Namespace) -> int:
    """Search and print the trials, the best first.

    Returns:
        0; every failure is raised.
    """
    from train.training.tune import TuneOptions, tune

    trials = tune(TuneOptions(args.out, args.trials, args.epochs, args.data, args.seed))
    print(json.dumps(trials) if args.json else "\n".join(_line(trial) for trial in trials))
    return 0


def _line(trial: dict[str, Any]) -> str:
    settings = ", ".join(f"{name} {value:.4g}" for name, value in sorted(trial["settings"].items()))
    return f"{trial['score']:.4f}  {settings}"
