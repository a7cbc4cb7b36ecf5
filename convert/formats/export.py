"""From Keras models to the bytes of .tflite files, one function a format."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from train.keras import tf

REPRESENTATIVE_FILMS = 256
OUTPUTS = ("logits", "class_map", "features")


def export_int8(quantized_model: Any) -> bytes:
    """A quantization-aware model as full int8: input, output and all between."""
    converter = _converter(quantized_model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return _converted(converter)


def export_ptq(model: Any, pixels: np.ndarray) -> bytes:
    """A float model as full int8, its ranges read off representative films after training.

    Args:
        pixels: uint8 (films, side, side), training films.
    """
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representative_inputs(pixels)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return _converted(converter)


def export_int16x8(model: Any, pixels: np.ndarray) -> bytes:
    """Weights in int8, activations in int16, ranges as for `export_ptq`; input and output stay float.

    Args:
        pixels: uint8 (films, side, side), training films.
    """
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representative_inputs(pixels)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    return _converted(converter)


def export_float32(model: Any) -> bytes:
    """The float model as it is: the int8 file's twin."""
    return _converted(_converter(model))


def export_float16(model: Any) -> bytes:
    """Weights in 16 bits, arithmetic in 32."""
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return _converted(converter)


def export_dynamic(model: Any) -> bytes:
    """Weights in int8, activations quantized film by film while it runs."""
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return _converted(converter)


def representative(pixels: np.ndarray) -> np.ndarray:
    """Films spread evenly over the set, always the same ones; uint8 (films, side, side)."""
    return pixels[np.linspace(0, len(pixels) - 1, min(REPRESENTATIVE_FILMS, len(pixels)), dtype=int)]


def _representative_inputs(pixels: np.ndarray) -> Iterator[list[np.ndarray]]:
    """The first two, all black and all white, pin the input's range to 0..255."""
    side = pixels.shape[1]
    for gray in (0.0, 255.0):
        yield [np.full((1, side, side, 1), gray, dtype=np.float32)]
    for film in representative(pixels):
        yield [film[None, :, :, None].astype(np.float32)]


def _converter(model: Any) -> Any:
    """A converter for one film at a time: a fixed batch keeps dynamic shapes out of the file."""
    side = model.input_shape[1]
    function = tf.function(lambda film: dict(zip(OUTPUTS, model(film, training=False), strict=True)))
    concrete = function.get_concrete_function(tf.TensorSpec((1, side, side, 1), tf.float32, name="film"))
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)


def _converted(converter: Any) -> bytes:
    with warnings.catch_warnings(), _quiet_stderr():
        # The converter warns that a quantization-aware model brings its own ranges. It does.
        warnings.simplefilter("ignore")
        return bytes(converter.convert())


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """The converter's C++ half prints its progress to file descriptor 2, past Python."""
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
