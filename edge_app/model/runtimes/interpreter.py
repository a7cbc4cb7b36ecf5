"""Running one network in one runtime: the classifier, or the locator that finds the lungs for it."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_app.errors import BundleError, RuntimeUnavailable
from edge_app.model.runtimes.base import Runtime
from edge_app.system.notices import without_notices


@dataclass(frozen=True)
class Outputs:
    """The outputs of one inference, in real units.

    `logits` is float32 (classes,), `class_map` float32 (rows, columns, classes), `features` float32
    (channels,); the last two are empty where the network does not give them. `raw` holds those that it gives, as the
    file computed them: int8 for an int8 file.
    """

    logits: np.ndarray
    class_map: np.ndarray
    features: np.ndarray
    raw: dict[str, np.ndarray]


# What a runtime raises for a file that it cannot load; a damaged one may ask for any amount of memory.
LOADING_ERRORS = (ValueError, RuntimeError, SystemError, AttributeError, MemoryError)


class LoadedNetwork:
    """One network in one runtime, on one thread by default. Its input is one square film."""

    def __init__(self, model: bytes, runtime: Runtime, threads: int = 1, reference: bool = False) -> None:
        """Load a network.

        Args:
            model: the bytes of a .tflite file; a ZIP may follow the network.
            reference: use the slow reference kernels. They give the same bits in both runtimes and on
                every machine; the built-in ones of tflite-runtime 2.14 give them on arm64, but on
                x86-64 round some ties of CONV_2D the other way (measured: 2 of 32,768 outputs).
        Raises:
            BundleError: the runtime refuses the file, or its input is not the kit's.
        """
        self.runtime = runtime
        self._lock = threading.Lock()  # a runtime's interpreter is not safe for two threads
        try:
            options: dict[str, Any] = {"model_content": model, "num_threads": threads}
            if reference:
                options["experimental_op_resolver_type"] = runtime.module.OpResolverType.BUILTIN_REF
            with without_notices():
                self._interpreter = runtime.module.Interpreter(**options)
                self._interpreter.allocate_tensors()
            self._input = self._single_input()
            self._input_levels = _quantized_levels(self._input)
        except LOADING_ERRORS as cause:
            limit = runtime.kind.numpy_below
            is_too_new = limit is not None and int(np.__version__.partition(".")[0]) >= limit
            if is_too_new and isinstance(cause, (SystemError, AttributeError)):
                raise RuntimeUnavailable(
                    f"{runtime} does not work with numpy {np.__version__}: pip install 'numpy<{limit}'"
                ) from cause
            raise BundleError(f"{runtime} cannot load the model: {_first_line(cause)}") from cause

    @property
    def input_size_px(self) -> int:
        """Side of the square input."""
        return int(self._input["shape"][1])

    @property
    def is_int8(self) -> bool:
        """True for a full-integer network."""
        return bool(self._input["dtype"] == np.int8)

    def outputs(self) -> list[dict[str, Any]]:
        """The runtime's description of each output."""
        return list(self._interpreter.get_output_details())

    def run(self, pixels: np.ndarray, outputs: Iterable[dict[str, Any]]) -> list[np.ndarray]:
        """Run one film. Safe for several threads: each waits for its turn.

        Args:
            pixels: uint8, shape (input_size_px, input_size_px).
            outputs: which to read, of `outputs`.
        Returns:
            The outputs as the file computed them, without the batch axis.
        Raises:
            BundleError: an operator of the network fails.
        """
        with self._lock:
            self._interpreter.set_tensor(self._input["index"], self._input_levels[pixels][None, :, :, None])
            try:
                self._interpreter.invoke()
            except (RuntimeError, MemoryError) as cause:
                raise BundleError(f"{self.runtime} cannot run the model: {_first_line(cause)}") from cause
            return [self._interpreter.get_tensor(output["index"])[0] for output in outputs]

    def _single_input(self) -> dict[str, Any]:
        details = self._interpreter.get_input_details()
        shape = [int(side) for side in details[0]["shape"]]
        square = len(shape) == 4 and shape[0] == shape[3] == 1 and shape[1] == shape[2]
        if len(details) != 1 or not square or details[0]["dtype"] not in (np.int8, np.float32):
            raise BundleError(f"the model's input is {shape}, expected (1, N, N, 1) in int8 or float32")
        return dict(details[0])


class Interpreter:
    """A classifier in one runtime."""

    def __init__(
        self, model: bytes, class_count: int, runtime: Runtime, threads: int = 1, reference: bool = False
    ) -> None:
        """Load a classifier.

        Args:
            model, runtime, threads, reference: as for `LoadedNetwork`.
            class_count: how many logits it must have.
        Raises:
            BundleError: the runtime refuses the file, or its inputs and outputs are not the kit's.
        """
        self.runtime = runtime
        self._network = LoadedNetwork(model, runtime, threads, reference)
        self._outputs = _named_outputs(self._network.outputs(), class_count)

    @property
    def input_size_px(self) -> int:
        """Side of the square input."""
        return self._network.input_size_px

    @property
    def is_int8(self) -> bool:
        """True for a full-integer model."""
        return self._network.is_int8

    @property
    def feature_count(self) -> int:
        """How many pooled features it gives; 0 if none."""
        return int(self._outputs["features"]["shape"][-1]) if "features" in self._outputs else 0

    def run(self, pixels: np.ndarray) -> Outputs:
        """Run one film.

        Args:
            pixels: uint8, shape (input_size_px, input_size_px), from `edge_app.model.preparation`.
        Raises:
            BundleError: an operator of the model fails.
        """
        raw = dict(zip(self._outputs, self._network.run(pixels, self._outputs.values()), strict=True))
        real = {name: dequantized(raw[name], detail) for name, detail in self._outputs.items()}
        return Outputs(**_NOT_GIVEN | real, raw=raw)


_NOT_GIVEN = {"class_map": np.zeros((0, 0, 0), np.float32), "features": np.zeros(0, np.float32)}


def _named_outputs(details: list[dict[str, Any]], class_count: int) -> dict[str, dict[str, Any]]:
    """Tell the outputs apart by their shapes: converters do not keep their order."""
    found: dict[str, dict[str, Any]] = {}
    for detail in details:
        shape = tuple(int(side) for side in detail["shape"])
        if len(shape) == 4 and shape[3] == class_count:
            found["class_map"] = detail
        elif shape == (1, class_count):
            found["logits"] = detail
        elif len(shape) == 2:
            found["features"] = detail
    if set(found) not in ({"logits"}, {"logits", "class_map", "features"}):
        raise BundleError(
            f"the model's outputs are {sorted(found)}, expected logits of {class_count} classes, "
            "alone or with class_map and features: it was not made by this kit's convert"
        )
    return found


def _first_line(cause: Exception) -> str:
    return (str(cause).splitlines() or [type(cause).__name__])[0]


def _quantized_levels(detail: dict[str, Any]) -> np.ndarray:
    """The model's input value for each of the 256 gray levels, in its own type."""
    grays = np.arange(256)
    if detail["dtype"] == np.float32:
        return grays.astype(np.float32)
    scale, zero_point = detail["quantization"]
    return np.clip(np.round(grays / scale) + zero_point, -128, 127).astype(np.int8)


def dequantized(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    """An output in real units, float32 of the same shape."""
    if values.dtype == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    return ((values.astype(np.float32) - zero_point) * np.float32(scale)).astype(np.float32)
