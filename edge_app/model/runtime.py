"""The TFLite interpreter: which one this machine has, and running one model with it.

LiteRT comes first: its XNNPACK kernels are many times faster on int8 than those of its
predecessor. The two must not be loaded into one process (their bindings share a registry, and
the second one fails with "vector::reserve"), so each process picks one, once.
"""

import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_app.errors import BundleError, RuntimeUnavailable

RUNTIME_VARIABLE = "CXR_EDGE_RUNTIME"
# name of the package: (module, family of kernels that runs int8)
RUNTIMES = {
    "ai-edge-litert": ("ai_edge_litert.interpreter", "xnnpack"),
    "tflite-runtime": ("tflite_runtime.interpreter", "builtin"),
}


@dataclass(frozen=True)
class Runtime:
    """An interpreter that was imported. `family` is "xnnpack" or "builtin"."""

    package: str
    version: str
    family: str
    module: Any

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


def installed_runtimes() -> list[str]:
    """The runtime packages that are installed, the preferred one first; imports none of them."""
    return [package for package, (module, _) in RUNTIMES.items() if importlib.util.find_spec(_top(module))]


def load_runtime(package: str | None = None) -> Runtime:
    """Import an interpreter.

    Args:
        package: a key of `RUNTIMES`; without it the environment variable CXR_EDGE_RUNTIME decides,
            then the first one that is installed.
    Raises:
        RuntimeUnavailable: none is installed, or the one asked for cannot be imported.
    """
    wanted = package or os.environ.get(RUNTIME_VARIABLE)
    if wanted and wanted not in RUNTIMES:
        raise RuntimeUnavailable(f"there is no runtime {wanted!r}; the kit knows {', '.join(RUNTIMES)}")
    candidates = [wanted] if wanted else installed_runtimes()
    if not candidates:
        raise RuntimeUnavailable(
            "no TFLite runtime is installed: pip install ai-edge-litert (64 bit) or tflite-runtime (32-bit ARM)"
        )
    module_name, family = RUNTIMES[candidates[0]]
    try:
        module = importlib.import_module(module_name)
    except ImportError as cause:
        raise RuntimeUnavailable(f"{candidates[0]} cannot be imported: {cause}") from cause
    # Not importlib.metadata: its e-mail parser would cost a tenth of a cold start.
    version = sys.modules[_top(module_name)].__version__
    return Runtime(package=candidates[0], version=version, family=family, module=module)


def _top(module_name: str) -> str:
    return module_name.partition(".")[0]


@dataclass(frozen=True)
class Outputs:
    """What one inference gave, in real units.

    `logits` is float32 (classes,), `class_map` float32 (rows, columns, classes), `features` float32
    (channels,). `raw` holds the same three as the file computed them: int8 for an int8 file.
    """

    logits: np.ndarray
    class_map: np.ndarray
    features: np.ndarray
    raw: dict[str, np.ndarray]


class Interpreter:
    """One model in one runtime, on one thread unless told otherwise."""

    def __init__(
        self, model: bytes, class_count: int, runtime: Runtime, threads: int = 1, reference: bool = False
    ) -> None:
        """Load a model.

        Args:
            model: the bytes of a .tflite file; a ZIP may follow the model.
            class_count: how many logits it must have.
            reference: use the slow reference kernels. They give the same bits in both runtimes and on
                every machine; the built-in ones of tflite-runtime 2.14 give them on arm64, but on
                x86-64 round some ties of CONV_2D the other way (measured: 2 of 32,768 outputs).
        Raises:
            BundleError: the runtime refuses the file, or its inputs and outputs are not the kit's.
        """
        self.runtime = runtime
        try:
            options: dict[str, Any] = {"model_content": model, "num_threads": threads}
            if reference:
                options["experimental_op_resolver_type"] = runtime.module.OpResolverType.BUILTIN_REF
            self._interpreter = runtime.module.Interpreter(**options)
            self._interpreter.allocate_tensors()
            self._input = self._single_input()
            self._input_levels = _quantized_levels(self._input)
            self._outputs = self._named_outputs(class_count)
        except (ValueError, RuntimeError, SystemError, AttributeError) as cause:
            if isinstance(cause, (SystemError, AttributeError)) and np.lib.NumpyVersion(np.__version__) >= "2.0.0":
                raise RuntimeUnavailable(
                    f"{runtime} does not work with numpy {np.__version__}: pip install 'numpy<2'"
                ) from cause
            raise BundleError(f"{runtime} cannot load the model: {_first_line(cause)}") from cause

    @property
    def input_size_px(self) -> int:
        """Side of the square input."""
        return int(self._input["shape"][1])

    @property
    def is_int8(self) -> bool:
        """True for a full-integer model."""
        return bool(self._input["dtype"] == np.int8)

    def run(self, pixels: np.ndarray) -> Outputs:
        """Run one film.

        Args:
            pixels: uint8, shape (input_size_px, input_size_px), from `to_model_pixels`.
        Raises:
            BundleError: an operator of the model fails.
        """
        self._interpreter.set_tensor(self._input["index"], self._input_levels[pixels][None, :, :, None])
        try:
            self._interpreter.invoke()
        except RuntimeError as cause:
            raise BundleError(f"{self.runtime} cannot run the model: {_first_line(cause)}") from cause
        raw = {name: self._interpreter.get_tensor(d["index"])[0] for name, d in self._outputs.items()}
        real = {name: _dequantized(raw[name], detail) for name, detail in self._outputs.items()}
        return Outputs(**real, raw=raw)

    def _single_input(self) -> dict[str, Any]:
        details = self._interpreter.get_input_details()
        shape = [int(side) for side in details[0]["shape"]]
        square = len(shape) == 4 and shape[0] == shape[3] == 1 and shape[1] == shape[2]
        if len(details) != 1 or not square or details[0]["dtype"] not in (np.int8, np.float32):
            raise BundleError(f"the model's input is {shape}, expected (1, N, N, 1) in int8 or float32")
        return details[0]

    def _named_outputs(self, class_count: int) -> dict[str, dict[str, Any]]:
        """Tell the three outputs apart by their shapes: converters do not keep their order."""
        found: dict[str, dict[str, Any]] = {}
        for detail in self._interpreter.get_output_details():
            shape = tuple(int(side) for side in detail["shape"])
            if len(shape) == 4 and shape[3] == class_count:
                found["class_map"] = detail
            elif shape == (1, class_count):
                found["logits"] = detail
            elif len(shape) == 2:
                found["features"] = detail
        if set(found) != {"logits", "class_map", "features"}:
            raise BundleError(
                f"the model's outputs are {sorted(found)}, expected logits of {class_count} classes, "
                "class_map and features: it was not made by this kit's convert"
            )
        return found


def _first_line(cause: Exception) -> str:
    return (str(cause).splitlines() or [type(cause).__name__])[0]


def _quantized_levels(detail: dict[str, Any]) -> np.ndarray:
    """What the model gets for each of the 256 gray levels, in its own type."""
    grays = np.arange(256)
    if detail["dtype"] == np.float32:
        return grays.astype(np.float32)
    scale, zero_point = detail["quantization"]
    return np.clip(np.round(grays / scale) + zero_point, -128, 127).astype(np.int8)


def _dequantized(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    if values.dtype == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    return ((values.astype(np.float32) - zero_point) * np.float32(scale)).astype(np.float32)
