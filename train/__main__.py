"""`python -m train`: make float models and the figures that judge them."""

from collections.abc import Sequence

from edge_app.commandline import run_commands
from train.commands import data, evaluate, fit, locator, tune, weights

COMMANDS = (fit, locator, tune, evaluate, data, weights)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see `edge_app.commandline.run_commands`."""
    return run_commands("train", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
