"""The options that say whom a model is for, shared by `train fit` and `convert`."""

import argparse
from collections.abc import Mapping
from typing import Any

from train.data.purpose import OLDEST_YEARS, Purpose


def add_purpose_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them in a group."""
    group = parser.add_argument_group("whom the model is for (needed for a bundle, unless its films are phantoms)")
    group.add_argument(
        "--ages",
        nargs=2,
        type=_years,
        metavar=("LOW", "HIGH"),
        help="youngest and oldest patient in completed years; the device refuses others",
    )
    group.add_argument("--population", metavar="TEXT", help="whose films it was trained on")
    group.add_argument("--intended-use", metavar="TEXT", help="what the model is for and not for")


def _years(text: str) -> int:
    if not text.isdecimal() or int(text) > OLDEST_YEARS:
        raise argparse.ArgumentTypeError(f"{text!r} is no age in completed years, 0 to {OLDEST_YEARS}")
    return int(text)


def purpose_of(given: Mapping[str, Any]) -> Purpose:
    """The statements, from the command line.

    Args:
        given: values of the options by name; those without one may be missing or None.
    Raises:
        DataError: the youngest is older than the oldest.
    """
    population, use = ((given.get(name) or "").strip() for name in ("population", "intended_use"))
    return Purpose(tuple(given.get("ages") or ()), population, use)
