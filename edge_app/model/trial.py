"""Trying a model in a child process: a damaged file may crash the interpreter, and must not crash us."""

import signal
import subprocess
import sys
from pathlib import Path

import edge_app
from edge_app.errors import BundleError

TIMEOUT_S = 300.0  # a Pi Zero needs some 20 s from a cold start
SPOKEN = "edge_app: "  # how the child begins the sentence of a refusal
UNTYPED = "fails the self-test in a way that the kit does not know"


def check_in_child(bundle: Path, timeout_s: float = TIMEOUT_S, python: str = sys.executable) -> None:
    """Run `selftest` on a bundle in a process of its own.

    Raises:
        BundleError: it failed, crashed the interpreter or took too long.
    """
    command = [python, "-m", "edge_app", "selftest", "--json", "--model", str(bundle.resolve())]
    root = Path(edge_app.__file__).parents[1]
    try:
        child = subprocess.run(command, cwd=root, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as cause:
        raise BundleError(f"{bundle.name} gave no answer in {timeout_s:.0f} s: do not use it here") from cause
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise BundleError(f"{bundle.name} crashes the interpreter ({name}): do not use it on this machine")
    if child.returncode:
        said = child.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        reasons = [line.removeprefix(SPOKEN) for line in said if line.startswith(SPOKEN)]
        raise BundleError(reasons[-1] if reasons else f"{bundle.name} {UNTYPED}: {said[-1]}")
