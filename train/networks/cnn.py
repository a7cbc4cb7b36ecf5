"""Convolution and max-pooling with a dense head: what most published notebooks for this set train."""

from typing import Any

from train.keras import keras
from train.networks.dense import BATCH_NORM_MOMENTUM, dense_head

layers = keras.layers
CHANNELS = (16, 32, 64, 128)  # of each 3x3 convolution; a pooling after each halves the side
HEAD_UNITS = (128,)


def build_cnn(input_size_px: int, classes: int) -> Any:
    """Build the network.

    Args:
        input_size_px: side of the input (1, N, N, 1), gray levels 0..255.
        classes: number of logits.
    Returns:
        A Keras model with outputs `logits`, `class_map` (one cell) and `features`.
    """
    film = layers.Input((input_size_px, input_size_px, 1), name="film")
    x = film
    for channels in CHANNELS:
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
        x = layers.MaxPooling2D()(layers.ReLU(6.0)(x))
    return keras.Model(film, dense_head(layers.Flatten()(x), HEAD_UNITS, classes), name="cnn")
