"""`serve`: the kiosk, on this machine alone unless told otherwise."""

import argparse
from pathlib import Path

NAME = "serve"
HELP = "open the kiosk (the default command)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the record is kept (default: CXR_EDGE_HOME, else XDG_DATA_HOME/cxr-edge)",
    )
    parser.add_argument(
        "--ask-first", action="store_true", help="a reader says what they see before the machine's answer is shown"
    )
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle; the shipped one by default")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from edge_app.kiosk.server import serve

    return serve(args)
