"""Trying a model in a child process: a damaged file may crash the interpreter, and must not crash the kit."""

import json
import signal
import sys
from pathlib import Path

from edge_app.errors import BundleError, ChildFailed
from edge_app.system.child_process import run_module

TIMEOUT_S = 300.0  # a Pi Zero needs about 20 s from a cold start
PASSED = "ok"  # what `selftest --json` says of a model that the kiosk can show
SPOKEN = "edge_app: "  # how the child's message of a refusal begins
UNTYPED = "fails the self-test in an unknown way"


def check_in_child(bundle: Path, timeout_s: float = TIMEOUT_S, python: str = sys.executable) -> None:
    """Run `selftest` on a bundle in a process of its own.

    Raises:
        BundleError: it failed, crashed the interpreter, took too long, or is not for the kiosk.
    """
    try:
        report = run_module("edge_app", ["selftest", "--json", "--model", str(bundle.resolve())], timeout_s, python)
    except ChildFailed as failure:
        raise BundleError(_refusal(bundle.name, failure)) from failure
    if (kiosk := json.loads(report)["kiosk"]) != PASSED:
        raise BundleError(kiosk)


def _refusal(name: str, failure: ChildFailed) -> str:
    if failure.code is None:
        return f"{name} gave {failure}: do not use it here"
    if failure.code < 0:
        crash = signal.Signals(-failure.code).name
        return f"{name} crashes the interpreter ({crash}): do not use it on this machine"
    reasons = [line.removeprefix(SPOKEN) for line in failure.lines if line.startswith(SPOKEN)]
    return reasons[-1] if reasons else f"{name} {UNTYPED}: {failure}"
