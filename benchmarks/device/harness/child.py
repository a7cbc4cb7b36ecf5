"""Child processes of the benchmarks: where they find the kit, and what they said last."""

import os
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[3]


def child_environment() -> dict[str, str]:
    """An environment in which a child imports this very kit, wherever it is started."""
    path = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}


def last_line(log: IO[bytes]) -> str:
    """The last line of a child's log file; empty if it wrote none."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
