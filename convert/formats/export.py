"""From Keras models to the bytes of .tflite files, one function per format.

TensorFlow is imported by the first export, so that `convert --help` is quick.
"""

import contextlib
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from edge_app.errors import GateError

REPRESENTATIVE_FILMS = 256
NO_OPERATOR = re.compile(r"'tf\.(\w+)' op is neither|not yet supported for op: '(\w+)'")


def export_int8(quantized_model: Any) -> bytes:
    """A quantization-aware model as full int8: input, output and everything between."""
    return _exported(quantized_model, ends="int8")


def export_ptq(model: Any, pixels: np.ndarray) -> bytes:
    """A float model as full int8; its ranges are measured on representative films after training.

    Args:
        pixels: uint8 (films, side, side), training films as the model sees them.
    """
    return _exported(model, pixels, ends="int8")


def export_float32(model: Any) -> bytes:
    """The float model as it is: the int8 file's twin."""
    return _exported(model, optimized=False)


def export_float16(model: Any) -> bytes:
    """Float16 weights, float32 arithmetic."""
    return _exported(model, weights="float16")


def export_dynamic(model: Any) -> bytes:
    """Int8 weights; activations are quantized for each film while the file runs."""
    return _exported(model)


def representative(pixels: np.ndarray) -> np.ndarray:
    """Films spread evenly over the set, the same ones every time; uint8 (films, side, side)."""
    return pixels[np.linspace(0, len(pixels) - 1, min(REPRESENTATIVE_FILMS, len(pixels)), dtype=int)]


def _exported(
    model: Any,
    pixels: np.ndarray | None = None,
    *,
    optimized: bool = True,
    weights: str = "",
    ends: str = "",
) -> bytes:
    """Run TensorFlow's converter.

    Args:
        pixels: training films to measure ranges on.
        weights, ends: TensorFlow's types of the weights, and of input and output, where not float32.
    """
    from train.keras import tf

    side = model.input_shape[1]
    names = model.output_names

    @tf.function
    def function(film: Any) -> Any:
        outputs = model(film, training=False)
        return dict(zip(names, outputs if isinstance(outputs, list) else [outputs], strict=True))

    # One film at a time: a fixed batch keeps dynamic shapes out of the file.
    concrete = function.get_concrete_function(tf.TensorSpec((1, side, side, 1), tf.float32, name="film"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)
    if optimized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if pixels is not None:
        converter.representative_dataset = lambda: _representative_inputs(pixels)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if weights:
        converter.target_spec.supported_types = [tf.as_dtype(weights)]
    if ends:
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(ends)
    with warnings.catch_warnings(), quiet():
        # The converter warns that a quantization-aware model brings its own ranges. It does.
        warnings.simplefilter("ignore")
        try:
            return bytes(converter.convert())
        except Exception as cause:  # the converter's own errors have no common base
            raise GateError(_why_not(str(cause), concrete)) from cause


def _why_not(message: str, concrete: Any) -> str:
    """Name the operators that the converter has no kernel for, and the layers that use them."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    missing = sorted({first or second for first, second in NO_OPERATOR.findall(message)})
    if not missing:
        return f"TensorFlow's converter failed: {(message.splitlines() or ['no reason given'])[0]}"
    operators = convert_variables_to_constants_v2(concrete).graph.get_operations()
    users = {kind: [each.name for each in operators if each.type.upper() == kind.upper()] for kind in missing}
    named = [f"{kind} ({', '.join(names)})" for kind, names in users.items()]
    return f"TensorFlow Lite has no operator for {', '.join(named)}: replace these layers"


def _representative_inputs(pixels: np.ndarray) -> Iterator[list[np.ndarray]]:
    """All black and all white first, so that the input's range is 0..255."""
    side = pixels.shape[1]
    for gray in (0.0, 255.0):
        yield [np.full((1, side, side, 1), gray, dtype=np.float32)]
    for film in representative(pixels):
        yield [film[None, :, :, None].astype(np.float32)]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence TensorFlow's converter.

    It prints its progress to file descriptor 2, past Python. Its first warning configures the root logger if
    that has no handler; then every later message of the kit would be printed twice.
    """
    silent = logging.NullHandler()
    logging.getLogger().addHandler(silent)
    sys.stderr.flush()
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
        logging.getLogger().removeHandler(silent)
