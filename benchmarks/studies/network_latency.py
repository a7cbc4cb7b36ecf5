"""How long each int8 file takes per film, in LiteRT on one thread, all files in turns in one child process.

Every round runs every file once. A machine that slows down then slows all of them, and ratios within
a round stay fair.
"""

import functools
import json
import sys
from pathlib import Path

import numpy as np

from convert.inference.isolated import run_child
from edge_app.errors import BundleError, KitError
from edge_app.model.profiling import time_runs
from edge_app.model.runtimes.interpreter import Interpreter
from edge_app.model.runtimes.registry import load_runtime

RUNTIME = "ai-edge-litert"
WARM_UP_ROUNDS, ROUNDS = 10, 200


def latencies(files: dict[str, tuple[Path, int]], reference: str) -> dict[str, dict[str, float]]:
    """Compare the latency of files.

    Args:
        files: name to (path of a .tflite file, number of classes).
        reference: name of the file that the others are compared with.
    Returns:
        Name to `ms`, the median, and `ratio`, the median over rounds of the ratio to the reference, if that
        is among the files. A file that does not run has no entry.
    Raises:
        BundleError: LiteRT is not installed, or crashes.
    """
    words = [f"{name}={classes}={path.resolve()}" for name, (path, classes) in files.items()]
    printed = run_child("benchmarks.studies.network_latency", words, "latency cannot be measured")
    times = {name: np.array(values) for name, values in json.loads(printed.splitlines()[-1]).items()}
    return {
        name: {"ms": float(np.median(values))}
        | ({"ratio": float(np.median(values / times[reference]))} if reference in times else {})
        for name, values in times.items()
    }


def main(words: list[str]) -> int:
    """The child: prints the milliseconds of every file in every round as JSON."""
    try:
        runtime = load_runtime(RUNTIME)
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    interpreters = {}
    for word in words:
        name, classes, path = word.split("=", 2)
        try:
            interpreters[name] = Interpreter(Path(path).read_bytes(), int(classes), runtime)
        except BundleError as error:
            print(f"{name}: {error}", file=sys.stderr)
    print(json.dumps(_in_turns(interpreters)))
    return 0


def _in_turns(interpreters: dict[str, Interpreter]) -> dict[str, list[float]]:
    random = np.random.default_rng(0)
    films = {
        name: random.integers(0, 256, (one.input_size_px, one.input_size_px), dtype=np.uint8)
        for name, one in interpreters.items()
    }
    times: dict[str, list[float]] = {name: [] for name in interpreters}
    for _ in range(WARM_UP_ROUNDS + ROUNDS):
        for name in random.permutation(list(interpreters)):
            run = functools.partial(interpreters[name].run, films[name])
            times[name].append(time_runs(run, runs=1).median_ms)
    return {name: values[WARM_UP_ROUNDS:] for name, values in times.items()}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
