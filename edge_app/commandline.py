"""Shared by all command lines: the parser, logging, and errors turned into exit codes."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from edge_app.errors import KitError
from edge_app.version import __version__

# A missing module of these is a bug, not an extra that is not installed.
OWN_ROOMS = ("edge_app", "train", "convert", "benchmarks")


def build_parser(
    package: str, description: str | None, commands: Sequence[str], words: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """A parser with one subparser per command; tests compare it with the documentation.

    Args:
        commands: modules of PACKAGE.commands, each with `HELP`, `add_arguments(parser)` and `run(args)`. The
            last part of a module's name is the command's.
        words: the arguments. If they name a command, no other command is imported: a Pi starts sooner.
    """
    parser = argparse.ArgumentParser(prog=package, description=description)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {module.rpartition(".")[2]: module for module in commands}
    for name in words[:1] if words and words[0] in modules else modules:
        command = import_module(f"{package}.commands.{modules[name]}")
        subparser = subparsers.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def run_commands(package: str, description: str | None, commands: Sequence[str], argv: Sequence[str] | None) -> int:
    """Parse and run one command.

    Returns:
        0 if everything worked, 1 for a failed input or check, 130 when interrupted.
    Raises:
        SystemExit: with 2 for wrong usage.
    """
    words = sys.argv[1:] if argv is None else argv
    args = build_parser(package, description, commands, words).parse_args(words)
    set_up_logging(package)
    return guarded(package, lambda: int(args.run(args)))


class _ToStderr(logging.Handler):
    """Writes to the current standard error, which tests replace."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        print(printable(self.format(record)), file=sys.stderr, flush=True)


def printable(path: object) -> str:
    """A path or text for a terminal: a name may hold bytes that are no UTF-8, or codes that a terminal obeys."""
    text = os.fsencode(str(path)).decode(errors="replace")
    return "".join(character if character.isprintable() else "?" for character in text)


def set_up_logging(program: str) -> None:
    """Send the kit's own log to standard error as `program: message`. Other libraries' loggers are not touched."""
    handler = _ToStderr()
    handler.setFormatter(logging.Formatter(f"{program}: %(message)s"))
    for room in OWN_ROOMS:
        logger = logging.getLogger(room)
        logger.setLevel(logging.INFO)
        logger.handlers = [handler]


def guarded(program: str, action: Any) -> int:
    """Run an action; an error of the kit becomes one line on stderr and exit code 1."""
    try:
        return action()
    except (KitError, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in OWN_ROOMS:
            raise
        print(f"{program}: {error.name} is not installed here: make test installs everything", file=sys.stderr)
        return 1
    except MemoryError:
        print(f"{program}: this device has too little free memory: close other programs", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
