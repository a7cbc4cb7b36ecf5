"""Running a float model over many films."""

from typing import Any

import numpy as np

from train.keras import tf

BATCH = 128


def predict(model: Any, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """All outputs of a Keras model.

    Args:
        pixels: uint8, (films, side, side).
    Returns:
        By name, float32. A classifier has `logits` (films, classes), `class_map` (films, rows, columns,
        classes) and `features` (films, channels).
    """
    outputs = [_batch(model, pixels[start : start + BATCH]) for start in range(0, len(pixels), BATCH)]
    return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}


def _batch(model: Any, pixels: np.ndarray) -> dict[str, np.ndarray]:
    values = model(tf.cast(pixels[..., None], tf.float32), training=False)
    values = values if isinstance(values, list) else [values]
    return {name: value.numpy() for name, value in zip(model.output_names, values, strict=True)}
