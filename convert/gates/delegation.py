"""The delegation gate: which operators XNNPACK runs, and how long a film takes, in a child process per runtime."""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from convert.inference.isolated import LOCATOR, run_child
from edge_app.errors import GateError, KitError
from edge_app.model.locator import Locator
from edge_app.model.profiling import split_by_delegate, time_runs
from edge_app.model.runtimes.interpreter import Interpreter
from edge_app.model.runtimes.registry import RUNTIMES, load_runtime

WARM_UP_RUNS = 5
TIMED_RUNS = 30


@dataclass(frozen=True)
class Observation:
    """What one runtime did with a file. `outside_xnnpack` names operators in their order of use."""

    runtime: str
    version: str
    operators: int
    delegated: int
    outside_xnnpack: tuple[str, ...]
    latency_ms: float  # median of TIMED_RUNS on this machine, one thread, after WARM_UP_RUNS


def observe(model: bytes, class_count: int | None, input_size_px: int, package: str) -> Observation:
    """Load a file in a child process, list its delegated operators and time it.

    Args:
        class_count: of a classifier; None for a locator.
    Raises:
        BundleError: the runtime refuses the file, or crashes on it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        printed = run_child(
            "convert.gates.delegation",
            [str(path), str(class_count or LOCATOR), str(input_size_px), package],
            f"{package} cannot run the model",
        )
    raw = json.loads(printed.splitlines()[-1])
    return Observation(**raw | {"outside_xnnpack": tuple(raw["outside_xnnpack"])})


def check_delegation(observation: Observation, allowed: tuple[str, ...]) -> None:
    """Refuse a full-integer file that a runtime with XNNPACK runs partly with other kernels.

    Args:
        allowed: names of operators that may stay outside.
    Raises:
        GateError: names the other operators outside.
    """
    if not RUNTIMES[observation.runtime].delegates_int8:
        return
    outside = sorted(set(observation.outside_xnnpack) - set(allowed))
    if outside:
        raise GateError(
            f"XNNPACK takes {observation.delegated} of {observation.operators} operators and leaves "
            f"{', '.join(outside)}: change the network, or allow them with --outside-xnnpack {' '.join(outside)}"
        )


def main(words: list[str]) -> int:
    """The child: prints one `Observation` as JSON."""
    model, network, input_size_px, package = words
    try:
        runtime = load_runtime(package)
        content = Path(model).read_bytes()
        run = (
            Locator(content, runtime).logits if network == LOCATOR else Interpreter(content, int(network), runtime).run
        )
        bare = runtime.module.Interpreter(model_content=content, num_threads=1)
        bare.allocate_tensors()
        delegated, outside = split_by_delegate(bare._get_ops_details())
        latency_ms = _latency_ms(run, int(input_size_px))
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    operators = len(delegated) + len(outside)
    seen = Observation(package, runtime.version, operators, len(delegated), tuple(outside), latency_ms)
    print(json.dumps(asdict(seen)))
    return 0


def _latency_ms(run: Callable[[np.ndarray], object], input_size_px: int) -> float:
    film = np.random.default_rng(0).integers(0, 256, (input_size_px, input_size_px)).astype(np.uint8)
    return round(time_runs(lambda: run(film), TIMED_RUNS, warm_up=WARM_UP_RUNS).median_ms, 3)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
