"""The cost of one film in a network: multiply-accumulates, counted from its graph."""

import math
from typing import Any


def count_macs(model: Any) -> int:
    """Multiply-accumulates of one film, in convolutions and dense layers.

    Batch norm folds into the convolution before it; additions, activations and pooling are not counted,
    as is usual.

    Args:
        model: a flat Keras model, without models inside it.
    """
    return sum(_layer_macs(layer) for layer in model.layers)


def _layer_macs(layer: Any) -> int:
    """The kernel's values, times the places where it is applied; 0 for a layer without a kernel."""
    kernel = getattr(layer, "depthwise_kernel", None)
    kernel = getattr(layer, "kernel", None) if kernel is None else kernel
    return 0 if kernel is None else math.prod(layer.output_shape[1:-1]) * math.prod(kernel.shape)
