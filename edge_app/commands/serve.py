"""`serve`: the kiosk, on this machine alone unless told otherwise."""

import argparse
from pathlib import Path

NAME = "serve"
HELP = "open the kiosk (the default command)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default: %(default)s)")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle; the shipped one by default")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from edge_app.kiosk.server import serve

    return serve(args)
