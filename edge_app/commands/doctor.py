"""`doctor`: says whether this device can read films, and what to do if it cannot."""

import argparse
import json
from pathlib import Path

HELP = "say what is installed, which runtime is used and why, what is missing and what to do"
MARKS = {"ok": "ok  ", "note": "note", "warn": "WARN", "fail": "FAIL"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where this device keeps models and records")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Run every check, even after one failed.

    Returns:
        0 if films can be read here, 1 if anything failed.
    """
    from dataclasses import asdict

    from edge_app.kiosk.model_walk import self_test
    from edge_app.system.home import data_home
    from edge_app.workflow.device_check import check_device

    checks = check_device(data_home(args.data_dir), self_test)
    if args.json:
        print(json.dumps([asdict(check) for check in checks]))
    else:
        for check in checks:
            todo = f"\n{'':20}-> {check.todo}" if check.todo else ""
            print(f"{MARKS[check.verdict]} {check.what:14} {check.got}{todo}")
    return int(any(check.verdict == "fail" for check in checks))
