"""`python -m benchmarks`: measures the kit on this device."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks import coldstart, compare, latency, pipeline
from edge_app.errors import KitError

COMMANDS = (latency, compare, pipeline, coldstart)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; tests read it to compare it with the documentation."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.NAME, help=command.HELP, description=command.__doc__)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 if all of it worked, 1 for a failed input, 2 for wrong usage.
    """
    args = build_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except KitError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
