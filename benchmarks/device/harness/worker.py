"""The child process of one candidate: it loads one model and runs it on request.

    parent -> child   one line: how many inferences, and after how many seconds to stop
    child  -> parent  one line of JSON per request; the first one says what was loaded

Each candidate has a process of its own, since LiteRT and tflite-runtime cannot share one, and since
the peak memory of a candidate is that of its process.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from benchmarks.device.harness import engines, machine
from edge_app.errors import KitError
from edge_app.model.profiling import time_runs


def main(argv: list[str]) -> int:
    """Serve one candidate; `argv` is its `engine`, `model` and `threads`.

    Returns:
        0 when the parent closed the pipe, 1 when the model could not be loaded.
    """
    # Libraries write to stdout; the pipe must carry only replies.
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    engine, model, threads = argv
    try:
        loaded, report = _load(engine, Path(model), int(threads))
    except (ImportError, KitError, ValueError, RuntimeError, OSError) as cause:
        _reply(pipe, {"cannot_run": _reason(engine, cause)})
        return 1
    _reply(pipe, report)
    for line in sys.stdin:
        runs, seconds = line.split()
        _reply(pipe, timed(loaded.invoke, int(runs), float(seconds)))
    return 0


def timed(invoke: Callable[[], Any], runs: int, seconds: float) -> dict[str, Any]:
    """Run inferences back to back, after one that is not counted, since other candidates ran in between.

    Args:
        seconds: after this long it stops, but not before one inference is done.
    Returns:
        `wall_ns` and `cpu_ns` of every run, and the memory after them.
    """
    times = time_runs(invoke, runs, seconds, warm_up=1)
    return {"wall_ns": times.wall_ns, "cpu_ns": times.cpu_ns, "memory_kb": machine.memory_kb()}


def _load(engine: str, model: Path, threads: int) -> tuple[engines.Loaded, dict[str, Any]]:
    imported = engines.import_engine(engine)
    before_kb = machine.memory_kb()
    started = time.perf_counter_ns()
    loaded = engines.load(engine, imported, model, threads)
    init_ns = time.perf_counter_ns() - started
    loaded_kb = machine.memory_kb()
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


def _reply(pipe: TextIO, message: dict[str, Any]) -> None:
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
