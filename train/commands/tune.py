"""`tune`: search for better settings of the compact network."""

import argparse
import json
from pathlib import Path
from typing import Any

from edge_app.system.result_folder import newest_folder
from train.commands.options import add_result_folder, result_folder, whole

DEFAULT = Path("runs/tune")
HELP = "search for better settings of the compact network with keras-tuner"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--trials", type=whole(1), default=20, metavar="N", help="default: %(default)s")
    parser.add_argument("--epochs", type=whole(1), default=20, metavar="N", help="per trial (default: %(default)s)")
    parser.add_argument("--data", metavar="DIR", help="films, or 'phantom' (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--normal", "--negative", dest="negative", default="", metavar="CLASS", help="as for fit")
    parser.add_argument("--patients", default="", metavar="RULE", help="as for fit")
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of the search and of each training")
    add_result_folder(parser, DEFAULT)
    parser.add_argument("--resume", action="store_true", help="continue a killed search (default: the newest)")
    parser.add_argument("--json", action="store_true", help="print the trials as JSON")


def run(args: argparse.Namespace) -> int:
    """Search and print the trials, the best first.

    Returns:
        0; every failure is raised.
    """
    out = args.out or newest_folder(DEFAULT) if args.resume else result_folder(args.out, DEFAULT, args.overwrite)
    from train.training.tune import TuneOptions, tune

    given = {name: value for name, value in vars(args).items() if name in TuneOptions.__dataclass_fields__}
    options = TuneOptions(**given | {"out": out})
    trials = tune(options)
    found = "\n".join(_line(trial) for trial in trials) + f"\n\nTrain with the best of them:\n{trials[0]['command']}"
    print(json.dumps(trials) if args.json else found)
    return 0


def _line(trial: dict[str, Any]) -> str:
    settings = ", ".join(f"{name} {value:.4g}" for name, value in sorted(trial["settings"].items()))
    return f"{trial['score']:.4f}  {settings}"
