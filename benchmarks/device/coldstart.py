"""From the start of a process to its first prediction, and the memory that takes.

Each round starts every program once, in a new random order. The files are in the page cache by
then, so this is not the first start after power on. The reference is the bare import of numpy, Pillow
and the runtime.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.device.films import film_bytes
from benchmarks.device.harness.candidate import CannotRun, Progress
from benchmarks.device.harness.child import last_line
from benchmarks.device.harness.interleave import shuffled_rounds
from benchmarks.device.harness.machine import memory_kb
from benchmarks.output.goals import Goal, verdict
from benchmarks.output.markdown import measured_table, number, page, words
from benchmarks.output.statistics import percentiles
from edge_app.model.runtimes.registry import chosen_runtime
from edge_app.system.child_process import child_environment

ROUNDS, QUICK_ROUNDS = 30, 3
UNTIMED_ROUNDS = 2
FILM_SIDE_PX = 512
BARE_IMPORT, PREDICT = "bare import of numpy, Pillow and the runtime", "predict one film"
GOAL = Goal("cold predict takes at most 1.5 times the bare import of numpy, Pillow and the runtime", 1.5)
ORDER_SEED = 3
MEMORY_POLL_SECONDS = 0.001
MIN_STARTS, MAX_SECONDS = 3, 30.0  # a slow program is not started in every round


@dataclass(frozen=True)
class ColdStartOptions:
    """What to start, and how often."""

    model: Path | None = None  # a bundle; None: the shipped one
    rounds: int = ROUNDS  # 1 or more


def measure(options: ColdStartOptions, progress: Progress) -> dict[str, Any]:
    """Start every program in turns.

    Returns:
        `film`, `rows` and `goals`.
    Raises:
        RuntimeUnavailable: no runtime is installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.jpg"
        film.write_bytes(film_bytes("JPEG", FILM_SIDE_PX))
        rows = measure_programs(programs_to_start(film, options.model), options.rounds, progress)
    by_name = {row["name"]: row for row in rows}
    goals = [verdict(GOAL, by_name[PREDICT], by_name[BARE_IMPORT])]
    return {"film": f"JPEG {FILM_SIDE_PX} px", "rows": rows, "goals": goals}


def succeeded(rows: list[dict[str, Any]]) -> bool:
    """Whether `predict` scored the film."""
    return not any(row["name"] == PREDICT and "cannot_run" in row for row in rows)


def programs_to_start(film: Path, model: Path | None) -> dict[str, list[str]]:
    """The arguments of Python by name of the program; each program ends by itself.

    Raises:
        RuntimeUnavailable: no runtime is installed.
    """
    bare = f"import numpy, PIL.Image, {chosen_runtime().module}"
    named = ["--model", str(model)] if model else []
    return {
        BARE_IMPORT: ["-c", bare],
        "Python alone": ["-c", "pass"],
        PREDICT: ["-m", "edge_app", "predict", str(film), "--json", *named],
        "edge_app --help": ["-m", "edge_app", "--help"],
        "import gradio": ["-c", "import gradio"],
    }


def measure_programs(
    programs: dict[str, list[str]], rounds: int, progress: Progress, max_seconds: float = MAX_SECONDS
) -> list[dict[str, Any]]:
    """Start every program once per round.

    Two untimed rounds come first: one fills the page cache and writes .pyc files, one measures memory.

    Returns:
        One row per program; one that failed has the last line it wrote in `cannot_run`.
    """
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as bytecode:
        for number, name in shuffled_rounds(list(programs), UNTIMED_ROUNDS + rounds, ORDER_SEED, progress):
            if name in failed or _enough(taken[name], max_seconds):
                continue
            try:
                taken[name].append(start(programs[name], Path(bytecode), poll_memory=number == UNTIMED_ROUNDS - 1))
            except CannotRun as cause:
                failed[name] = str(cause)
    return [{"name": n, "cannot_run": failed[n]} if n in failed else _row(n, taken[n][1:]) for n in programs]


def start(words: list[str], bytecode: Path, poll_memory: bool = False) -> dict[str, float]:
    """Run one program to its end.

    Args:
        words: the arguments of Python.
        bytecode: a folder for .pyc files: a device has them, whatever the environment here says.
        poll_memory: ask the system every millisecond how much it holds; this costs processor time.
    Returns:
        `wall_ms`, `cpu_ms` (all threads, user and system) and, if polled, `peak_mb`; otherwise that is 0.
    Raises:
        CannotRun: it exited with a code other than 0.
    """
    environment = child_environment() | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(bytecode)}
    peak_kb = 0
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        child = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=log, env=environment)
        while poll_memory and os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            peak_kb = max(peak_kb, (memory_kb(child.pid) or {"peak": 0})["peak"])
            time.sleep(MEMORY_POLL_SECONDS)
        _, status, usage = os.wait4(child.pid, 0)
        wall_ms = 1e3 * (time.perf_counter() - started)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise CannotRun(last_line(log) or f"it ended with code {child.returncode}")
    return {"wall_ms": wall_ms, "cpu_ms": 1e3 * (usage.ru_utime + usage.ru_stime), "peak_mb": peak_kb / 1024}


def _enough(taken: list[dict[str, float]], max_seconds: float) -> bool:
    enough_starts = len(taken) >= MIN_STARTS + UNTIMED_ROUNDS
    return enough_starts and sum(times["wall_ms"] for times in taken) > 1e3 * max_seconds


def _row(name: str, taken: list[dict[str, float]]) -> dict[str, Any]:
    polled, *timed = taken
    wall = [times["wall_ms"] for times in timed]
    cpu = [times["cpu_ms"] for times in timed]
    return {
        "name": name,
        "starts": len(timed),
        **percentiles(wall, {"median_ms": 50, "p90_ms": 90}, digits=2),
        **percentiles(cpu, {"cpu_median_ms": 50}, digits=2),
        "peak_mem_mb": round(polled["peak_mb"], 1),
        "rounds": {"median_ms": [round(v, 3) for v in wall], "cpu_median_ms": [round(v, 3) for v in cpu]},
    }


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    return page("From the start of a process to its first answer", result, rows_table(result["rows"]))


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per program."""
    heads = {"median_ms": "p50 ms", "p90_ms": "p90 ms", "cpu_median_ms": "processor ms", "peak_mem_mb": "peak MB"}
    return measured_table(rows, {"program": words("name")}, {head: number(name) for name, head in heads.items()})
