"""`data`: check a data set, draw a phantom one, or list a site's signed cases."""

import argparse
import json
from pathlib import Path

HELP = "check a folder of films, write a phantom set, or list a site's signed cases"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read every film; say what fit would make of them, and what it leaves out")
    check.add_argument("--data", action="append", metavar="DIR", help="as for fit")
    for option, metavar in (("--normal", "CLASS"), ("--patients", "RULE"), ("--held-out", "NAME")):
        check.add_argument(option, default="", metavar=metavar, help="as for fit")
    check.add_argument("--split", default="auto", metavar="RULE", help="as for fit")
    check.add_argument("--locator", metavar="DIR", help="as for fit")
    join = actions.add_parser("join", help="a site's signed cases and its list of films become a list to train on")
    join.add_argument("cases", type=Path, metavar="CASES", help="CSV of edge_app reviews export")
    join.add_argument("files", type=Path, metavar="FILES", help="the site's own CSV: id (the record's), file, patient")
    join.add_argument("--out", type=Path, required=True, metavar="FILE", help="the list to write, as .csv")
    phantom = actions.add_parser("phantom", help="draw a data set in the Kaggle layout")
    phantom.add_argument("folder", type=Path, metavar="DIR", help="where to write it")
    phantom.add_argument("--films", type=int, default=240, metavar="N", help="films per class (default: %(default)s)")
    phantom.add_argument("--hospital", choices=("a", "b"), help="draw the films of this drawn hospital")
    phantom.add_argument("--seed", type=int, default=0, metavar="N", help="which children are drawn")


def run(args: argparse.Namespace) -> int:
    """Check, join or draw.

    Returns:
        0, or 1 if a film cannot be used or the films cannot be split.
    """
    if args.action == "check":
        return _check(args)
    if args.action == "join":
        from train.data.layouts.site_list import join_signed

        print(json.dumps(join_signed(args.cases, args.files, args.out)))
        return 0
    from train.data.labelled import DRAWN

    written = _draw(args)
    (args.folder / DRAWN).write_text("Drawn by this kit: what learns from them is for demonstration only.\n")
    print(f"{written} phantom films written to {args.folder}")
    return 0


def _draw(args: argparse.Namespace) -> int:
    if args.hospital:
        from train.data.layouts.phantoms import write_hospital

        return write_hospital(args.folder, args.hospital, args.films, args.seed)
    from edge_app.imaging.phantom import write_phantom_set

    return write_phantom_set(args.folder, args.films, args.seed)


def _check(args: argparse.Namespace) -> int:
    from train.data.check import check_data
    from train.data.split import SplitRule

    rule = SplitRule(args.split, held_out=args.held_out)
    summary = check_data(args.data, rule, args.normal, args.patients, args.locator)
    print(json.dumps(summary, indent=1, ensure_ascii=False))
    return int(summary["unusable"] > 0 or "refused" in summary["split"])
