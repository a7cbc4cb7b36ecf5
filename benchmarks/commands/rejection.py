"""`rejection`: what is refused, and what is warned of."""

import argparse
from pathlib import Path

NAME = "rejection"
HELP = "count what is refused: films laid wrongly, cut or inverted, and things that are no film"
MOST_FILMS, QUICK_FILMS = 1000, 12
DRAWN = 50  # pictures of each kind that is drawn here
MIN_PASSING = 0.99  # of films as they are: what the promise says


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output.publish import add_output_arguments

    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="the shipped one by default")
    parser.add_argument("--data", default="phantom", help="films, as for train (default: %(default)s)")
    parser.add_argument("--manifest", type=Path, metavar="FILE", help="of the model's run: only its validation films")
    parser.add_argument("--others", type=Path, metavar="DIR", help="pictures that are no chest film, a folder per kind")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Count and publish.

    Returns:
        0 if enough films pass as they are, else 1.
    """
    from benchmarks.output import publish as output
    from benchmarks.studies.rejection import RejectionOptions, count_refusals, markdown

    options = RejectionOptions(
        model=args.model,
        data=args.data,
        manifest=args.manifest,
        others=args.others,
        most_films=QUICK_FILMS if args.quick else MOST_FILMS,
        drawn=QUICK_FILMS if args.quick else DRAWN,
    )
    result = output.heading(NAME, args) | count_refusals(options)
    output.publish(args, result, markdown(result))
    return int(result["rows"][0]["refused"] > 1 - MIN_PASSING)
