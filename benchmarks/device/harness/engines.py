"""One model in one engine, ready to run: a .tflite runtime, TensorFlow or ONNX Runtime.

The input is random and set once: latency does not depend on its values. `pipeline` measures reading,
resizing and quantizing a film.
"""

import importlib
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.device.harness.bundles import networks_of
from edge_app.model.profiling import split_by_delegate
from edge_app.model.runtimes.registry import RUNTIMES, load_runtime

TFLITE_ENGINES = tuple(RUNTIMES)
ENGINES = (*TFLITE_ENGINES, "tensorflow", "onnxruntime")
INPUT_SEED = 20


@dataclass(frozen=True)
class Loaded:
    """A model that can run. `ops` and `macs` are None for engines that do not list their operators."""

    version: str
    invoke: Callable[[], Any]
    ops: dict[str, Any] | None
    macs: int | None = None


def import_engine(engine: str) -> Any:
    """Import the engine's package before the model is loaded, so that the import is not counted as loading.

    Raises:
        RuntimeUnavailable, ImportError: it is not installed.
    """
    if engine in TFLITE_ENGINES:
        return load_runtime(engine)
    if engine == "tensorflow":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    return importlib.import_module(engine)


def load(engine: str, imported: Any, model: Path, threads: int) -> Loaded:
    """Load a model: a .tflite or .onnx file, or a SavedModel folder for TensorFlow.

    Raises:
        ValueError, RuntimeError: the engine refuses the model.
    """
    if engine in TFLITE_ENGINES:
        return _load_tflite(imported, model, threads)
    if engine == "tensorflow":
        return _load_tensorflow(imported, model, threads)
    return _load_onnx(imported, model, threads)


def random_input(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Random gray levels in the model's own type; `shape` may hold -1 for the batch."""
    shape = tuple(max(int(side), 1) for side in shape)
    levels = np.random.default_rng(INPUT_SEED).integers(0, 256, shape)
    return (levels - 128 if dtype == np.int8 else levels).astype(dtype)


def delegated_ops(networks: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """How many operators a delegate runs, and which kinds it left.

    Args:
        networks: the operators of each, as the interpreter lists them; see `split_by_delegate`.
    Returns:
        `total`, `delegated` and `left`, a dictionary from an operator's name to how many were left.
    """
    split = [split_by_delegate(ops) for ops in networks]
    delegated = sum(len(taken) for taken, _ in split)
    left = Counter(name for _, others in split for name in others)
    return {"total": delegated + left.total(), "delegated": delegated, "left": dict(left)}


def multiply_accumulates(ops: list[dict[str, Any]], shapes: dict[int, Any]) -> int:
    """Multiply-accumulates of the convolutions and dense layers of one inference.

    Args:
        ops: as the interpreter lists them.
        shapes: the shape of every tensor: outputs (1, height, width, channels), weights (out, height,
            width, in), for depthwise (1, height, width, channels), for dense (out, in).
    """
    total = 0
    for op in ops:
        if op["op_name"] not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        weights, outputs = shapes[int(op["inputs"][1])], shapes[int(op["outputs"][0])]
        each = weights[1:3] if op["op_name"] == "DEPTHWISE_CONV_2D" else weights[1:]
        total += int(np.prod(outputs, dtype=np.int64) * np.prod(each, dtype=np.int64))
    return total


def _load_tflite(runtime: Any, model: Path, threads: int) -> Loaded:
    """All networks that a film takes: of a bundle with a locator, the locator and then the classifier."""
    interpreters = [_interpreter(runtime, network, threads) for network in networks_of(model)]

    def invoke() -> None:
        for interpreter in interpreters:
            interpreter.invoke()

    try:
        networks = [interpreter._get_ops_details() for interpreter in interpreters]  # there is no public call
    except (AttributeError, KeyError):
        return Loaded(str(runtime), invoke, None)
    macs = 0
    for interpreter, ops in zip(interpreters, networks, strict=True):
        shapes = {int(tensor["index"]): tensor["shape"] for tensor in interpreter.get_tensor_details()}
        macs += multiply_accumulates(ops, shapes)
    return Loaded(str(runtime), invoke, delegated_ops(networks), macs)


def _interpreter(runtime: Any, network: bytes, threads: int) -> Any:
    interpreter = runtime.module.Interpreter(model_content=network, num_threads=threads)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], random_input(tuple(detail["shape"]), detail["dtype"]))
    return interpreter


def _load_tensorflow(tensorflow: Any, model: Path, threads: int) -> Loaded:
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    loaded = tensorflow.saved_model.load(str(model))
    function = loaded.signatures["serving_default"]
    (name, spec), *_ = function.structured_input_signature[1].items()
    value = tensorflow.constant(random_input(tuple(side or 1 for side in spec.shape), np.float32))

    def invoke() -> Any:
        # Fetch the outputs: TensorFlow may return before they are computed.
        return [output.numpy() for output in function(**{name: value}).values()]

    invoke.keep = loaded  # type: ignore[attr-defined]  # the function does not keep its variables alive
    return Loaded(f"tensorflow {tensorflow.__version__}", invoke, None)


def _load_onnx(onnxruntime: Any, model: Path, threads: int) -> Loaded:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    shape = tuple(side if isinstance(side, int) else 1 for side in given.shape)
    feed = {given.name: random_input(shape, np.float32)}
    return Loaded(f"onnxruntime {onnxruntime.__version__}", lambda: session.run(None, feed), None)
