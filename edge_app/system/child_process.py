"""Running a module of the kit in a process of its own, where a crash harms nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_app.errors import ChildFailed

ROOT = Path(__file__).parents[2]


def run_module(module: str, words: Sequence[str], timeout_s: float, python: str = sys.executable) -> str:
    """Run a module and wait for it.

    Args:
        module: what to run, as after `python -m`.
        words: its arguments; paths must be absolute, because it starts in the folder of the kit.
    Returns:
        What it wrote to standard output.
    Raises:
        ChildFailed: it ended with a code other than 0, crashed, or gave no answer within `timeout_s` seconds.
    """
    try:
        child = subprocess.run(
            [python, "-m", module, *words],
            cwd=ROOT,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as cause:
        raise ChildFailed(f"no answer in {timeout_s:.0f} s") from cause
    if child.returncode < 0:
        raise ChildFailed(f"crashed with {signal.Signals(-child.returncode).name}", child.returncode)
    if child.returncode:
        lines = child.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ChildFailed(lines[-1], child.returncode, tuple(lines))
    return child.stdout.decode(errors="replace")


def child_environment() -> dict[str, str]:
    """The environment in which a child imports this very kit, wherever it is started."""
    path = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}
