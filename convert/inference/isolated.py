"""Running a classifier or a locator in a child process, in a chosen runtime.

The two runtimes cannot share a process, and a damaged file can crash the interpreter: the
child crashes, the parent gets a `BundleError`.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from edge_app.errors import BundleError, ChildFailed, KitError
from edge_app.model.locator import Locator
from edge_app.model.runtimes.base import Runtime
from edge_app.model.runtimes.interpreter import Interpreter
from edge_app.model.runtimes.registry import load_runtime
from edge_app.system.child_process import run_module

TIMEOUT_S = 600
LOCATOR = "locator"  # for the child, in place of the number of classes
DISK_EXIT = 3  # the child could not read or write its files: no fault of the model


def run_isolated(
    model: bytes, class_count: int, pixels: np.ndarray, package: str, reference: bool = False
) -> dict[str, np.ndarray]:
    """Run every film through a model in a child process.

    Args:
        model: the bytes of a .tflite file, with or without a bundle's ZIP.
        pixels: uint8 (films, side, side).
        package: the runtime, a key of `edge_app.model.runtimes.registry.RUNTIMES`.
        reference: use the slow reference kernels, as for `edge_app.model.runtimes.interpreter.Interpreter`.
    Returns:
        `logits` float32 (films, classes), `class_map` and `features` likewise, and what the network gives of them once
        more as the file computes it, as `raw_logits` and so on.
    Raises:
        BundleError: the runtime refuses the model, or crashes on it.
        OSError: the disk is full.
    """
    return _in_child(str(class_count), model, pixels, package, reference)


def locate_isolated(locator: bytes, views: np.ndarray, package: str) -> np.ndarray:
    """Run every film through a locator in a child process.

    Args:
        locator: the bytes of a .tflite file.
        views: uint8 (films, side, side), whole films from `to_model_pixels`.
        package: as for `run_isolated`.
    Returns:
        float32 (films, rows, columns), logits; above 0 is lung.
    Raises:
        BundleError, OSError: as `run_isolated`.
    """
    return _in_child(LOCATOR, locator, views, package, reference=False)["logits"]


def _in_child(network: str, model: bytes, pixels: np.ndarray, package: str, reference: bool) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        model_path, pixels_path, outputs_path = (Path(folder) / name for name in ("model", "in.npy", "out.npz"))
        model_path.write_bytes(model)
        np.save(pixels_path, pixels)
        kernels = "reference" if reference else "own"
        words = [str(model_path), network, str(pixels_path), package, str(outputs_path), kernels]
        run_child("convert.inference.isolated", words, f"{package} cannot run the model")
        with np.load(outputs_path) as outputs:
            return dict(outputs)


def run_child(module: str, words: list[str], complaint: str) -> str:
    """Run a module of the kit in a child process, where a crash harms nothing.

    Args:
        module: what to run, as after `python -m`.
        words: its arguments; paths must be absolute.
        complaint: how the message begins when the child fails.
    Returns:
        What the child printed.
    Raises:
        BundleError: the child failed, crashed or took more than `TIMEOUT_S` seconds.
        OSError: the disk is full.
    """
    try:
        return run_module(module, words, TIMEOUT_S)
    except ChildFailed as failure:
        if failure.code == DISK_EXIT:
            raise OSError(f"{complaint}: {failure}") from failure
        raise BundleError(f"{complaint}: {failure}") from failure


def main(words: list[str]) -> int:
    """The child: run the films and leave the outputs as an .npz."""
    model, network, pixels, package, outputs, kernels = words
    try:
        runtime, reference = load_runtime(package), kernels == "reference"
        results = _outputs(network, Path(model).read_bytes(), np.load(pixels, mmap_mode="r"), runtime, reference)
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        np.savez(Path(outputs), **results)
    except OSError as error:
        print(error, file=sys.stderr)
        return DISK_EXIT
    return 0


def _outputs(
    network: str, model: bytes, pixels: np.ndarray, runtime: Runtime, reference: bool
) -> dict[str, np.ndarray]:
    if network == LOCATOR:
        locator = Locator(model, runtime)
        return {"logits": np.stack([locator.logits(view) for view in pixels])}
    interpreter = Interpreter(model, int(network), runtime, reference=reference)
    results = [interpreter.run(film) for film in pixels]
    arrays = {name: np.stack([getattr(r, name) for r in results]) for name in ("logits", "class_map", "features")}
    return arrays | {f"raw_{name}": np.stack([result.raw[name] for result in results]) for name in results[0].raw}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
