"""`watch`: read each film that appears in a folder and record its draft; no page, no gradio."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

NAME = "watch"
HELP = "read each film that appears in a folder and record its draft"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--once", action="store_true", help="read what is there and stop")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle; the shipped one by default")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="as for serve")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Watch until interrupted, or once.

    Returns:
        With --once: 0 if every film got a score and was recorded, 1 if any did not.
    """
    from edge_app.reading.predictor import device_predictor
    from edge_app.system.home import data_home
    from edge_app.workflow.folder_watch import LOOK_EVERY_S, Watcher
    from edge_app.workflow.reading_service import Desk

    home = data_home(args.data_dir)
    desk, watcher = Desk(device_predictor(args.model, home), home), Watcher(args.folder)
    watcher.new_films()
    failed = 0
    while True:
        time.sleep(LOOK_EVERY_S)
        for path in watcher.new_films():
            failed += not read_one(desk, path, args.json)
        if args.once:
            return int(failed > 0)


def read_one(desk: Any, path: Path, as_json: bool) -> bool:
    """Read one film and print what it gave, unless it was recorded before.

    Returns:
        Whether it has a score and a record.
    """
    slip = desk.read_file(path)
    if slip is None:
        return True
    record = {"file": str(path)} | desk.describe(slip)
    if as_json:
        print(json.dumps(record), flush=True)
    elif slip.answer is None:
        print(f"{path}: {record['status']}: {record['reason']['sentence']}", flush=True)
    else:
        print(f"{path}: {slip.answer['decision']}, {slip.answer['p_pneumonia']:.3f}, record {slip.id}", flush=True)
    if slip.answer and not slip.saved:
        print(f"edge_app: not saved: {desk.not_saved}", file=sys.stderr)
    return slip.answer is not None and slip.saved
