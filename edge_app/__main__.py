"""`python -m edge_app`: what a clinic runs. Without a command it serves the kiosk."""

import argparse
import sys
from collections.abc import Sequence

from edge_app import __version__
from edge_app.commands import calibrate, doctor, models, predict, reviews, selftest, serve
from edge_app.errors import KitError

COMMANDS = (serve, predict, selftest, doctor, models, reviews, calibrate)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; tests read it to compare it with the documentation."""
    parser = argparse.ArgumentParser(prog="edge_app", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 if all of it worked, 1 for a failed input or check, 2 for wrong usage.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words = [serve.NAME, *words]
    args = build_parser().parse_args(words)
    try:
        return int(args.run(args))
    except KitError as error:
        print(f"edge_app: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
