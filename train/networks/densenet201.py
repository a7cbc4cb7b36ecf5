"""DenseNet201 of keras.applications with the kit's head, to be fine-tuned from ImageNet weights.

The published weights are for colour pictures scaled to (pixel / 255 - mean) / deviation. As with
EfficientNet-Lite0, the stem's kernel is summed over the colours and its batch norm holds the scaling,
so that the graph takes gray levels 0..255.
"""

import contextlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError
from train.keras import keras
from train.networks.architecture import Architecture, Weights
from train.networks.blocks import head
from train.networks.pretrained import for_gray_pixels, variables_of

STEM_CONVOLUTION, STEM_NORM = "conv1/conv", "conv1/bn"
COLOUR_MEAN = 255 * np.array([0.485, 0.456, 0.406])
COLOUR_DEVIATION = 255 * np.array([0.229, 0.224, 0.225])
SCALE = float(COLOUR_DEVIATION.mean())
PUBLISHED_SIZE_PX = 224


def build_densenet201(input_size_px: int, classes: int) -> Any:
    """Build the network.

    Args:
        input_size_px: side of the input (1, N, N, 1), gray levels 0..255; at least 32.
        classes: number of logits.
    Returns:
        A Keras model with outputs `logits`, `class_map` and `features`.
    """
    base = keras.applications.DenseNet201(
        include_top=False, weights=None, input_tensor=keras.layers.Input((input_size_px, input_size_px, 1), name="film")
    )
    base.get_layer(STEM_NORM).epsilon *= SCALE**2
    return keras.Model(base.input, head(base.output, classes), name="densenet201")


def published_weights(file: Path | None) -> Weights:
    """ImageNet weights for this graph.

    Args:
        file: the .h5 of keras.applications without its top; None downloads it.
    Raises:
        DataError: the file is missing or is another one, or there is no network to download it from.
    """
    if file and not file.exists():
        raise DataError(f"no weights at {file}: give --from the .h5 of keras.applications, without its top")
    shape = (PUBLISHED_SIZE_PX, PUBLISHED_SIZE_PX, 3)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras reports its download on stdout
            base = keras.applications.DenseNet201(include_top=False, weights=str(file or "imagenet"), input_shape=shape)
    except Exception as cause:  # Keras raises plain Exception for a failed download
        raise DataError(f"no weights of DenseNet201 from {file or 'keras.applications'}: {cause}") from cause
    weights = {name: variable.numpy() for name, variable in variables_of(base).items()}
    return weights | for_gray_pixels(weights, STEM_CONVOLUTION, STEM_NORM, COLOUR_MEAN, COLOUR_DEVIATION, SCALE)


NETWORKS = {
    "densenet201": Architecture(
        build_densenet201,
        96,
        "Huang et al., arXiv:1608.06993, by keras.applications; one of the systems before this kit fine-tuned it",
        epochs=8,
        learning_rate=5e-4,
        batch_size=32,
        published_weights=published_weights,
        outside_xnnpack=("AVERAGE_POOL_2D",),
    ),
}
