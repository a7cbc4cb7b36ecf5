"""The cost of one film in a network: multiply-accumulates, counted from its graph."""

import math
from typing import Any

from train.keras import keras


def count_macs(model: Any) -> int:
    """Multiply-accumulates of one film, in convolutions and dense layers.

    Batch norm folds into the convolution before it; additions, activations and pooling are not counted,
    as is usual.

    Args:
        model: a flat Keras model, without models inside it.
    """
    return sum(_layer_macs(layer) for layer in model.layers)


def _layer_macs(layer: Any) -> int:
    if isinstance(layer, keras.layers.DepthwiseConv2D):  # not a subclass of Conv2D
        return _places(layer) * math.prod(layer.depthwise_kernel.shape)
    if isinstance(layer, keras.layers.Conv2D):
        return _places(layer) * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.kernel.shape)
    return 0


def _places(layer: Any) -> int:
    """How often the kernel is applied: output height by width."""
    _, height, width, _ = layer.output_shape
    return int(height * width)
