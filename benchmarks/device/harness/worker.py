"""The child process behind one row: it loads one model and runs it when it is told to.

    parent -> child   how many inferences, and the seconds after which to stop, one line
    child  -> parent  one JSON line a request; the first one tells what was loaded

Each row has a process of its own, since LiteRT and tflite-runtime cannot share one, and since the
peak memory of a row is that of its process.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.device.harness import engines
from benchmarks.device.harness import machine as device
from edge_app.errors import KitError
from edge_app.model.profiling import time_runs


def main(argv: list[str]) -> int:
    """Serve one row; `argv` is its `engine`, `model` and `threads`.

    Returns:
        0 when the parent closed the pipe, 1 when the model could not be loaded.
    """
    # Libraries write to stdout; the pipe must carry answers alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    engine, model, threads = argv
    try:
        loaded, report = _load(engine, Path(model), int(threads))
    except (ImportError, KitError, ValueError, RuntimeError, OSError) as cause:
        _answer(answers, {"cannot_run": _reason(engine, cause)})
        return 1
    _answer(answers, report)
    for line in sys.stdin:
        runs, seconds = line.split()
        _answer(answers, timed(loaded.invoke, int(runs), float(seconds)))
    return 0


def timed(invoke: Callable[[], Any], runs: int, seconds: float) -> dict[str, Any]:
    """Run some inferences in a row, after one that is not counted: other rows ran in between.

    Args:
        seconds: after this long it stops, but not before the first run is through.
    Returns:
        `wall_ns` and `cpu_ns` of every run, and the memory after them.
    """
    times = time_runs(invoke, runs, seconds, warm_up=1)
    return {"wall_ns": times.wall_ns, "cpu_ns": times.cpu_ns, "memory_kb": device.memory_kb()}


def _load(engine: str, model: Path, threads: int) -> tuple[engines.Loaded, dict[str, Any]]:
    imported = engines.import_engine(engine)
    before_kb = device.memory_kb()
    started = time.perf_counter_ns()
    loaded = engines.load(engine, imported, model, threads)
    init_ns = time.perf_counter_ns() - started
    loaded_kb = device.memory_kb()
    started = time.perf_counter_ns()
    loaded.invoke()
    first_ns = time.perf_counter_ns() - started
    report = {
        "engine": loaded.version,
        "ops": loaded.ops,
        "macs": loaded.macs,
        "init_ns": init_ns,
        "first_ns": first_ns,
    }
    return loaded, report | {"before_kb": before_kb, "loaded_kb": loaded_kb}


def _reason(engine: str, cause: Exception) -> str:
    if isinstance(cause, ModuleNotFoundError):
        return f"{cause.name or engine} is not installed"
    return (str(cause).splitlines() or [repr(cause)])[0]


def _answer(pipe: Any, message: dict[str, Any]) -> None:
    print(json.dumps(message), file=pipe, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
