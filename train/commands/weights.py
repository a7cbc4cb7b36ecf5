"""`weights`: make the file that `fit --weights` starts from."""

import argparse
from pathlib import Path

HELP = "write ImageNet weights of a network to a file for fit --weights"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("arch", help="the network, such as efficientnet-lite0")
    parser.add_argument(
        "--from", dest="file", type=Path, metavar="H5", help="file of keras.applications (default: download it)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="an .npz file")


def run(args: argparse.Namespace) -> int:
    """Write the file.

    Returns:
        0; every failure is raised.
    """
    from edge_app.errors import DataError
    from train.networks import ARCHITECTURES
    from train.networks.pretrained import write_weights

    makers = {name: found.published_weights for name, found in ARCHITECTURES.items() if found.published_weights}
    if args.arch not in makers:
        raise DataError(f"there are no weights for {args.arch!r}, only for {', '.join(makers)}")
    weights = makers[args.arch](args.file)
    write_weights(args.out, weights)
    print(f"{args.out}: {sum(value.size for value in weights.values()):,} weights of {args.arch}")
    return 0
