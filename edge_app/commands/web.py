"""`web`: write the page that reads films on a phone, with the device's model in it."""

import argparse
from pathlib import Path

HELP = "write a page that reads films in a phone's browser, without a network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle (default: this device's model)")
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="where this device keeps its models and its own threshold"
    )
    parser.add_argument("--operating-point", metavar="NAME", help="an operating point of the model's card")
    parser.add_argument(
        "--key", type=Path, metavar="KEY", help="sign the page with this SSH key: installed pages then take updates"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="write index.html and the rest here")


def run(args: argparse.Namespace) -> int:
    """Build the page from a model that passed its checks on this machine."""
    from edge_app.phone.build import NAMESPACE, PAGE, build_page
    from edge_app.reading.predictor import device_predictor
    from edge_app.system.signing import read_signer

    sign = read_signer(args.key, NAMESPACE) if args.key else None
    bundle = device_predictor(args.model, args.data_dir).bundle
    page = build_page(bundle, args.operating_point, sign)
    page.write(args.out)
    print(f"{args.out / PAGE}: {bundle.card.name} {bundle.card.version}, {len(page.files[PAGE]) / 1000:.0f} kB")
    return 0
