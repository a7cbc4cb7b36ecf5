"""From the start of a process to its first answer, and the memory that takes.

Each round starts every program once, in an order drawn afresh. The files are in memory by then, so
this is a second start, not the first one after power on. The floor is the bare import of numpy, Pillow and the runtime.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

NAME = "coldstart"
HELP = "time a process from its start to its first answer, with and without gradio"
ROUNDS, QUICK_ROUNDS = 30, 3
FILM_SIDE_PX = 512
FLOOR, PREDICT, GRADIO = "bare import of numpy, Pillow and the runtime", "predict one film", "import gradio"
GOAL = ("cold predict takes at most 1.5 times the bare import of numpy, Pillow and the runtime", 1.5)
ORDER_SEED = 3
WATCH_SECONDS = 0.001
MIN_STARTS, MAX_SECONDS = 3, 30.0  # a slow program is not started in every round


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output.result_files import add_output_arguments

    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="the shipped one by default")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish.

    Returns:
        0 if `predict` gave an answer, else 1.
    """
    from benchmarks.device.harness import machine as device
    from benchmarks.output import result_files as output

    result = output.heading(NAME, args) | {"device": device.facts(), "before": device.state()}
    with tempfile.TemporaryDirectory() as folder:
        film = write_film(Path(folder))
        programs = programs_to_start(film, args.model)
        rows = measure(programs, QUICK_ROUNDS if args.quick else ROUNDS, output.progress_on_terminal())
    result |= {"after": device.state(), "film": f"JPEG {FILM_SIDE_PX} px", "rows": rows, "goals": [goal(rows)]}
    output.publish(args, result, markdown(result))
    return int(any(row["name"] == PREDICT and "cannot_run" in row for row in rows))


def write_film(folder: Path) -> Path:
    """One phantom, as a hospital would hand it over."""
    from benchmarks.device.films import film_bytes

    film = folder / "film.jpg"
    film.write_bytes(film_bytes("JPEG", FILM_SIDE_PX))
    return film


def programs_to_start(film: Path, model: Path | None) -> dict[str, list[str]]:
    """What is started, by name; every one ends by itself.

    Raises:
        RuntimeUnavailable: no runtime is installed.
    """
    from edge_app.errors import RuntimeUnavailable
    from edge_app.model.runtime import RUNTIME_VARIABLE, RUNTIMES, installed_runtimes

    package = os.environ.get(RUNTIME_VARIABLE) or next(iter(installed_runtimes()), None)
    if package is None:
        raise RuntimeUnavailable("no TFLite runtime is installed: pip install ai-edge-litert or tflite-runtime")
    bare = f"import numpy, PIL.Image, {RUNTIMES[package][0]}"
    named = ["--model", str(model)] if model else []
    return {
        FLOOR: ["-c", bare],
        "Python alone": ["-c", "pass"],
        PREDICT: ["-m", "edge_app", "predict", str(film), "--json", *named],
        "edge_app --help": ["-m", "edge_app", "--help"],
        GRADIO: ["-c", "import gradio"],
    }


def measure(
    programs: dict[str, list[str]], rounds: int, progress: Any, max_seconds: float = MAX_SECONDS
) -> list[dict[str, Any]]:
    """Start every program once a round.

    Two rounds go before that are not timed: one brings the files into memory and writes .pyc files,
    one watches the memory.

    Returns:
        One row a program; one that failed has the last line it wrote in `cannot_run`.
    """
    order = random.Random(ORDER_SEED)
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as bytecode:
        for number in range(-1, rounds + 1):
            progress(f"round {max(number, 0)} of {rounds}")
            turn = [name for name in programs if name not in failed and not _enough(taken[name], max_seconds)]
            order.shuffle(turn)
            for name in turn:
                try:
                    taken[name].append(start(programs[name], Path(bytecode), watch_memory=number == 0))
                except ProgramFailed as cause:
                    failed[name] = str(cause)
    return [{"name": n, "cannot_run": failed[n]} if n in failed else _row(n, taken[n][1:]) for n in programs]


class ProgramFailed(Exception):
    """A program that was started did not end well; the message is its last line."""


def start(words: list[str], bytecode: Path, watch_memory: bool = False) -> dict[str, float]:
    """Run one program to its end.

    Args:
        bytecode: a folder for .pyc files: a device has them, whatever the environment here says.
        watch_memory: ask the system all the time how much it holds. That costs processor time.
    Returns:
        `wall_ms`, `cpu_ms` (all its threads, user and system) and, if watched, `peak_mb`.
    Raises:
        ProgramFailed: it ended with another code than 0.
    """
    from benchmarks.device.harness.interleave import child_environment
    from benchmarks.device.harness.machine import memory_kb

    environment = child_environment() | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(bytecode)}
    peak_kb = 0
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        child = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=log, env=environment)
        while (
            watch_memory and child.pid and os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None
        ):
            peak_kb = max(peak_kb, (memory_kb(child.pid) or {"peak": 0})["peak"])
            time.sleep(WATCH_SECONDS)
        _, status, usage = os.wait4(child.pid, 0)
        wall_ms = 1e3 * (time.perf_counter() - started)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            log.seek(0)
            lines = log.read().decode(errors="replace").strip().splitlines()
            raise ProgramFailed(lines[-1] if lines else f"it ended with code {child.returncode}")
    return {"wall_ms": wall_ms, "cpu_ms": 1e3 * (usage.ru_utime + usage.ru_stime), "peak_mb": peak_kb / 1024}


def _enough(taken: list[dict[str, float]], max_seconds: float) -> bool:
    return len(taken) >= MIN_STARTS + 2 and sum(times["wall_ms"] for times in taken) > 1e3 * max_seconds


def _row(name: str, taken: list[dict[str, float]]) -> dict[str, Any]:
    import numpy as np

    watched, *timed = taken
    wall = [times["wall_ms"] for times in timed]
    cpu = [times["cpu_ms"] for times in timed]
    return {
        "name": name,
        "starts": len(timed),
        "median_ms": round(float(np.median(wall)), 2),
        "p90_ms": round(float(np.percentile(wall, 90)), 2),
        "cpu_median_ms": round(float(np.median(cpu)), 2),
        "peak_mem_mb": round(watched["peak_mb"], 1),
        "rounds": {"median_ms": [round(v, 3) for v in wall], "cpu_median_ms": [round(v, 3) for v in cpu]},
    }


def goal(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What was promised of `predict`, by wall clock and by processor time."""
    from benchmarks.output.statistics import judged

    by_name = {row["name"]: row for row in rows}
    return judged(*GOAL, by_name[PREDICT], by_name[FLOOR])


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    from benchmarks.output.result_files import device_line, goals_table

    head = f"# From the start of a process to its first answer\n\n{device_line(result)}.\n\n"
    return f"{head}{goals_table(result['goals'])}\n{rows_table(result['rows'])}"


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a program."""
    from benchmarks.output.result_files import figure, table

    body = []
    for row in rows:
        if "cannot_run" in row:
            body.append([row["name"], row["cannot_run"], "", "", ""])
        else:
            figures = (row["median_ms"], row["p90_ms"], row["cpu_median_ms"], row["peak_mem_mb"])
            body.append([row["name"], *map(figure, figures)])
    return table(["program", "p50 ms", "p90 ms", "processor ms", "peak MB"], body)
