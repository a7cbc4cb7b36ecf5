"""`python -m edge_app`: what a clinic runs. Without a command it serves the kiosk."""

import sys
from collections.abc import Sequence

from edge_app.commandline import run_commands

COMMANDS = ("serve", "predict", "selftest", "doctor", "models", "watch", "reviews", "calibrate", "web")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see `edge_app.commandline.run_commands`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words = ["serve", *words]
    return run_commands("edge_app", __doc__, COMMANDS, words)


if __name__ == "__main__":
    raise SystemExit(main())
