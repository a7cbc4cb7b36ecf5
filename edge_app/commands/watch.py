"""`watch`: read each film that appears in a folder and record its draft; no page, no gradio."""

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge_app.commandline import printable

if TYPE_CHECKING:
    from edge_app.workflow.case import Case
    from edge_app.workflow.reading_service import ReadingService

HELP = "read each film that appears in a folder and record its draft"
MISSING_FOLDER_S = 30.0
LOG = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--once", action="store_true", help="read the films that are there, then stop")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="a .tflite bundle (default: this device's model)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="as for serve")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")


def run(args: argparse.Namespace) -> int:
    """Watch until interrupted, or once.

    Returns:
        With --once: 0 if every film got a score and was recorded, 1 if any did not.
    """
    from edge_app.errors import DataError
    from edge_app.reading.predictor import device_predictor
    from edge_app.system.home import data_home
    from edge_app.workflow.folder_watch import SCAN_EVERY_S, Watcher, read_new_films
    from edge_app.workflow.reading_service import ReadingService

    home = data_home(args.data_dir)
    service, watcher = ReadingService(device_predictor(args.model, home), home), Watcher(args.folder)
    watcher.new_films()  # a missing folder is reported now
    failed = 0

    def take(path: Path, case: "Case | None") -> None:
        nonlocal failed
        failed += 1  # until that is shown
        failed -= show(service, path, case, args.json)

    while True:
        time.sleep(SCAN_EVERY_S)
        try:
            read_new_films(service, watcher, take)
        except DataError as error:
            if args.once:
                raise
            LOG.warning("%s", error)  # the disk may come back
            time.sleep(MISSING_FOLDER_S)
        if args.once and not watcher.failing:
            return int(failed > 0)


def show(service: "ReadingService", path: Path, case: "Case | None", as_json: bool) -> bool:
    """Print a film's answer, unless it was recorded before.

    Returns:
        Whether the film has a score and a record.
    """
    if case is None:
        return True
    refusal = case.answer.refusal
    if as_json:
        print(json.dumps({"file": str(path)} | service.as_json(case)), flush=True)
    elif refusal:
        print(f"{printable(path)}: {refusal.status}: {refusal.sentence}", flush=True)
    else:
        decision = case.answer.decision
        where = f"record {case.id}" if case.saved else "not saved"
        print(f"{printable(path)}: {decision.decision}, {decision.p_finding:.3f}, {where}", flush=True)
    if not case.saved:
        print(f"edge_app: not saved yet: {service.not_saved}", file=sys.stderr)
    return case.saved and not refusal
