"""Running a model in a child process, in a chosen runtime.

The two runtimes cannot share a process, and a damaged file can crash the interpreter: the
child crashes, the parent gets a `BundleError`.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from edge_app.errors import BundleError, ChildFailed, KitError
from edge_app.model.runtimes.interpreter import Interpreter, Outputs
from edge_app.model.runtimes.registry import load_runtime
from edge_app.system.child_process import run_module

TIMEOUT_S = 600
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
        `logits` float32 (films, classes), `class_map` and `features` likewise, and each once more as
        the file computes it, as `raw_logits` and so on.
    Raises:
        BundleError: the runtime refuses the model, or crashes on it.
        OSError: the disk is full.
    """
    with tempfile.TemporaryDirectory() as folder:
        model_path, pixels_path, outputs_path = (Path(folder) / name for name in ("model", "in.npy", "out.npz"))
        model_path.write_bytes(model)
        np.save(pixels_path, pixels)
        kernels = "reference" if reference else "own"
        words = [str(model_path), str(class_count), str(pixels_path), package, str(outputs_path), kernels]
        run_child("convert.gates.isolated", words, f"{package} cannot run the model")
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
    model, class_count, pixels, package, outputs, kernels = words
    try:
        runtime, reference = load_runtime(package), kernels == "reference"
        interpreter = Interpreter(Path(model).read_bytes(), int(class_count), runtime, reference=reference)
        results = [interpreter.run(film) for film in np.load(pixels)]
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        _save(Path(outputs), results)
    except OSError as error:
        print(error, file=sys.stderr)
        return DISK_EXIT
    return 0


def _save(path: Path, results: list[Outputs]) -> None:
    arrays = {name: np.stack([getattr(r, name) for r in results]) for name in ("logits", "class_map", "features")}
    arrays |= {f"raw_{name}": np.stack([result.raw[name] for result in results]) for name in results[0].raw}
    np.savez(path, **arrays)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
