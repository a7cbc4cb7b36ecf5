"""The last output of a child process of the benchmarks."""

from typing import IO


def last_line(log: IO[bytes]) -> str:
    """The last line of a child's log file; empty if it wrote none."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
