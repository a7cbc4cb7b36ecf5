"""`data`: check a data set, or draw a phantom one."""

import argparse
import json
from collections import Counter
from pathlib import Path

NAME = "data"
HELP = "check a folder of films, or write a phantom set"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read every film; list those that cannot be used, and duplicates")
    check.add_argument("--data", metavar="DIR", help="films, or 'phantom' (default: data/chest_xray, then $CXR_DATA)")
    phantom = actions.add_parser("phantom", help="draw a data set in the Kaggle layout")
    phantom.add_argument("folder", type=Path, metavar="DIR", help="where to write it")
    phantom.add_argument("--films", type=int, default=240, metavar="N", help="a class (default: %(default)s)")
    phantom.add_argument("--seed", type=int, default=0, metavar="N", help="which children are drawn")


def run(args: argparse.Namespace) -> int:
    """Check or draw.

    Returns:
        0, or 1 if a film cannot be used.
    """
    if args.action == "phantom":
        from edge_app.phantom import write_phantom_set

        print(f"{write_phantom_set(args.folder, args.films, args.seed)} phantom films written to {args.folder}")
        return 0
    return _check(args.data)


def _check(argument: str | None) -> int:
    from train.data import find_data
    from train.inputs import load_films

    data = find_data(argument)
    films = load_films(data, size_px=64)
    copies = sum(count - 1 for count in Counter(films.hashes).values())
    unusable = len(data.films) - len(films.films)
    summary = {
        "data": data.name,
        "films": {label: int((films.classes == index).sum()) for index, label in enumerate(data.labels)},
        "patients": len({film.patient for film in films.films}),
        "duplicates": copies,
        "unusable": unusable,
    }
    print(json.dumps(summary, indent=1))
    return int(unusable > 0)
