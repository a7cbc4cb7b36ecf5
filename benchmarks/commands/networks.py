"""`networks`: networks side by side over several seeds."""

import argparse
import json
from pathlib import Path

from train.commands.options import registered, whole

NETWORKS = registered("train/networks/*.py", "NETWORKS")
HELP = "train and convert networks over several seeds; one table of float, int8 and cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--archs", nargs="+", default=["compact"], metavar="NAME", help=f"of {NETWORKS} (default: compact)"
    )
    parser.add_argument("--seeds", nargs="+", type=whole(0), default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    parser.add_argument(
        "--seeds-of",
        nargs="+",
        default=[],
        metavar="NETWORK=N,N",
        help="other seeds of NAME or NAME-binary",
    )
    parser.add_argument("--binary", action="store_true", help="also each network with all pneumonia as one class")
    parser.add_argument("--whole-film", action="store_true", help="also compact on whole films")
    parser.add_argument("--data", metavar="DIR", help="films, or 'phantom' (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--out", type=Path, default=Path("runs/compare"), metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--epochs", type=whole(1), default=0, metavar="N", help="epochs of every network (default: its own)"
    )
    parser.add_argument("--split", default="random", metavar="RULE", help="as for fit (default: %(default)s)")
    parser.add_argument(
        "--fold", type=whole(0), default=0, metavar="N", help="with k-fold: 0 to 4 (default: %(default)s)"
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        default=[],
        metavar="ARCH=FILE",
        help="weights a network starts from, made by train weights",
    )
    parser.add_argument(
        "--recipe-of",
        nargs="+",
        default=[],
        metavar="ARCH=NAME",
        help="recipes of train/training/recipe.py for some networks (default: the one that ships)",
    )
    parser.add_argument("--bfloat16", nargs="+", default=[], metavar="ARCH", help="networks to train at half precision")
    parser.add_argument(
        "--teacher", nargs="+", type=Path, default=[], metavar="MODEL", help="teachers of compact, as for fit"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Train, compare and print.

    Returns:
        0; every failure is raised. The row of a file that the gates refuse says so.
    """
    from benchmarks.studies.network_tables import comparison_page
    from benchmarks.studies.networks import CompareOptions, compare
    from train.data.split import SplitRule

    compared = compare(
        CompareOptions(
            out=args.out,
            archs=tuple(args.archs),
            seeds=tuple(args.seeds),
            seeds_of=seeds_by_network(args.seeds_of),
            data=args.data,
            epochs=args.epochs,
            split=SplitRule(name=args.split, fold=args.fold),
            binary=args.binary,
            whole_film=args.whole_film,
            weights=weights_by_network(args.weights),
            recipe_of=recipe_by_network(args.recipe_of),
            bfloat16=tuple(args.bfloat16),
            teachers=tuple(args.teacher),
        )
    )
    print(json.dumps(compared) if args.json else comparison_page(compared), end="\n" if args.json else "")
    return 0


def seeds_by_network(words: list[str]) -> dict[str, tuple[int, ...]]:
    """`NETWORK=N,N` arguments as a mapping.

    Raises:
        DataError: an argument has no `=`, or no whole numbers after it.
    """
    takes = "--seeds-of takes NETWORK=N,N as in cnn-binary=0,1"
    pairs = _pairs(words, takes)
    for network, seeds in pairs.items():
        if not all(seed.isdecimal() for seed in seeds.split(",")):
            raise _not_taken(takes, f"{network}={seeds}")
    return {network: tuple(map(int, seeds.split(","))) for network, seeds in pairs.items()}


def recipe_by_network(words: list[str]) -> dict[str, str]:
    """`ARCH=NAME` arguments as a mapping.

    Raises:
        DataError: an argument has no `=`.
    """
    return _pairs(words, "--recipe-of takes ARCH=NAME as in cnn=base")


def weights_by_network(words: list[str]) -> dict[str, Path]:
    """`ARCH=FILE` arguments as a mapping.

    Raises:
        DataError: an argument has no `=`, or the file is missing: found out before hours of training.
    """
    takes = "--weights takes ARCH=FILE with a file of train weights"
    pairs = _pairs(words, takes)
    for arch, file in pairs.items():
        if not Path(file).is_file():
            raise _not_taken(takes, f"{arch}={file}")
    return {arch: Path(file) for arch, file in pairs.items()}


def _pairs(words: list[str], takes: str) -> dict[str, str]:
    """The arguments as a mapping; `takes` begins the message about one without `=`."""
    for word in words:
        if "=" not in word:
            raise _not_taken(takes, word)
    return dict(word.split("=", 1) for word in words)


def _not_taken(takes: str, word: str) -> Exception:
    from edge_app.errors import DataError

    return DataError(f"{takes}, got {word!r}")
