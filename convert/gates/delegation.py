"""One file in one device runtime, in a process of its own: what XNNPACK takes, and how long a film takes."""

import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.gates.isolated import run_child
from edge_app.errors import GateError, KitError
from edge_app.model.runtimes.interpreter import Interpreter
from edge_app.model.runtimes.registry import RUNTIMES, load_runtime

WARM_UP_RUNS = 5
TIMED_RUNS = 30


@dataclass(frozen=True)
class Observation:
    """What one runtime did with a file. `outside_xnnpack` names operators, in their order of use."""

    runtime: str
    version: str
    operators: int
    delegated: int
    outside_xnnpack: tuple[str, ...]
    latency_ms: float  # median of TIMED_RUNS on this machine, one thread, after WARM_UP_RUNS


def observe(model: bytes, class_count: int, input_size_px: int, package: str) -> Observation:
    """Load a file in a child process and watch it.

    Raises:
        BundleError: the runtime refuses the file, or crashes on it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        printed = run_child(
            "convert.gates.delegation",
            [str(path), str(class_count), str(input_size_px), package],
            f"{package} cannot run the model",
        )
    raw = json.loads(printed.splitlines()[-1])
    return Observation(**raw | {"outside_xnnpack": tuple(raw["outside_xnnpack"])})


def check_delegation(observation: Observation, allowed: tuple[str, ...]) -> None:
    """Refuse a full-integer file of which a runtime that delegates int8 leaves a part to other kernels.

    Args:
        allowed: operators that may stay outside, by name.
    Raises:
        GateError: names the operators.
    """
    if not RUNTIMES[observation.runtime].delegates_int8:
        return
    outside = sorted(set(observation.outside_xnnpack) - set(allowed))
    if outside:
        raise GateError(
            f"XNNPACK takes {observation.delegated} of {observation.operators} operators and leaves "
            f"{', '.join(outside)}: change the network, or allow them with --outside-xnnpack {' '.join(outside)}"
        )


def split_by_delegate(operators: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Tell delegated operators from the rest.

    An interpreter lists the file's operators, and after them one DELEGATE for each part that a
    delegate took. What a DELEGATE took is what lies between its outputs and its inputs.

    Args:
        operators: of `Interpreter._get_ops_details()`: `op_name`, `inputs` and `outputs` (tensor numbers).
    Returns:
        Names of the delegated operators, and names of the others.
    """
    plain = [operator for operator in operators if operator["op_name"] != "DELEGATE"]
    maker = {int(tensor): index for index, operator in enumerate(plain) for tensor in operator["outputs"]}
    taken: set[int] = set()
    for part in (operator for operator in operators if operator["op_name"] == "DELEGATE"):
        given = {int(tensor) for tensor in part["inputs"]}
        wanted = [int(tensor) for tensor in part["outputs"]]
        while wanted:
            index = maker.get(wanted.pop())
            if index is not None and index not in taken:
                taken.add(index)
                wanted += [int(tensor) for tensor in plain[index]["inputs"] if int(tensor) not in given]
    names = [str(operator["op_name"]) for operator in plain]
    return (
        [name for index, name in enumerate(names) if index in taken],
        [name for index, name in enumerate(names) if index not in taken],
    )


def main(words: list[str]) -> int:
    """The child: prints one `Observation` as JSON."""
    model, class_count, input_size_px, package = words
    try:
        runtime = load_runtime(package)
        content = Path(model).read_bytes()
        interpreter = Interpreter(content, int(class_count), runtime)
        bare = runtime.module.Interpreter(model_content=content, num_threads=1)
        bare.allocate_tensors()
        delegated, outside = split_by_delegate(bare._get_ops_details())
        latency_ms = _latency_ms(interpreter, int(input_size_px))
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    operators = len(delegated) + len(outside)
    seen = Observation(package, runtime.version, operators, len(delegated), tuple(outside), latency_ms)
    print(json.dumps(asdict(seen)))
    return 0


def _latency_ms(interpreter: Interpreter, input_size_px: int) -> float:
    film = np.random.default_rng(0).integers(0, 256, (input_size_px, input_size_px)).astype(np.uint8)
    times = []
    for _ in range(WARM_UP_RUNS + TIMED_RUNS):
        start = time.perf_counter()
        interpreter.run(film)
        times.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(times[WARM_UP_RUNS:]), 3)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
