"""`networks`: networks side by side over several seeds."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.commands.options import add_json, print_figures, typed_command
from train.commands.options import DATA_HELP, registered, whole

NETWORKS = registered("train/networks/*.py", "NETWORKS")
HELP = "train and convert networks over several seeds; one table of float, int8 and cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    add = parser.add_argument
    add("--archs", nargs="+", default=["compact"], metavar="NAME", help=f"of {NETWORKS} (default: compact)")
    add("--seeds", nargs="+", type=whole(0), default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    add("--seeds-of", nargs="+", default=[], metavar="NETWORK=N,N", help="other seeds of NAME or NAME-binary")
    add("--binary", action="store_true", help="also each network with all pneumonia as one class")
    add("--data", metavar="DIR", help=DATA_HELP)
    add("--out", type=Path, default=Path("runs/compare"), metavar="DIR", help="default: %(default)s")
    add("--epochs", type=whole(1), default=0, metavar="N", help="epochs of every network (default: its own)")
    add("--weights", nargs="+", default=[], metavar="ARCH=FILE", help="of train weights, for a network to start from")
    add("--recipe-of", nargs="+", default=[], metavar="ARCH=NAME", help="other recipes than the one that ships")
    add("--bfloat16", nargs="+", default=[], metavar="ARCH", help="networks to train at half precision")
    add("--teacher", nargs="+", type=Path, default=[], metavar="MODEL", help="teachers of compact, as for fit")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Train, compare and print. Exit code 0: every failure is raised; a file that the gates refuse is a row."""
    from benchmarks.studies.network_tables import comparison_page
    from benchmarks.studies.networks import CompareOptions, compare

    compared = compare(
        CompareOptions(
            out=args.out,
            archs=tuple(args.archs),
            seeds=tuple(args.seeds),
            seeds_of=_by_network(args.seeds_of, "--seeds-of takes NETWORK=N,N as in cnn-binary=0,1", _seeds),
            data=args.data,
            epochs=args.epochs,
            binary=args.binary,
            weights=_by_network(args.weights, "--weights takes ARCH=FILE with a file of train weights", _file),
            recipe_of=_by_network(args.recipe_of, "--recipe-of takes ARCH=NAME as in cnn=base"),
            bfloat16=tuple(args.bfloat16),
            teachers=tuple(args.teacher),
            command=typed_command(args, with_out=True),
        )
    )
    print_figures(args, compared, comparison_page(compared))
    return 0


def _by_network(words: list[str], takes: str, value_of: Callable[[str], Any] = str) -> dict[str, Any]:
    """`NETWORK=VALUE` arguments as a mapping.

    Args:
        takes: begins the message about an argument that cannot be read.
        value_of: reads the value; raises ValueError where it cannot.
    Raises:
        DataError: an argument has no `=`, or a value that cannot be read: found out before hours of training.
    """
    from edge_app.errors import DataError

    found = {}
    for word in words:
        network, given, value = word.partition("=")
        try:
            found[network] = value_of(value)
        except ValueError as cause:
            raise DataError(f"{takes}, got {word!r}") from cause
        if not given:
            raise DataError(f"{takes}, got {word!r}")
    return found


def _seeds(value: str) -> tuple[int, ...]:
    return tuple(map(int, value.split(",")))


def _file(value: str) -> Path:
    if not Path(value).is_file():
        raise ValueError(value)
    return Path(value)
