"""Convolution and max-pooling with a dense head: what most published notebooks for this set train."""

from typing import Any

from train.keras import keras
from train.networks.architecture import Architecture
from train.networks.blocks import BATCH_NORM_MOMENTUM
from train.networks.dense import dense_head

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


NETWORKS = {
    "cnn": Architecture(
        build_cnn,
        156,
        "one of the systems before this kit: convolution and max-pooling with a dense head, 156 px",
        epochs=30,
        learning_rate=1e-3,
    ),
    "cnn-100x50": Architecture(
        build_cnn,
        156,
        "one of the systems before this kit: such a network at 50 epochs of 100 steps",
        epochs=50,
        learning_rate=1e-3,
        batch_size=32,
        steps_per_epoch=100,
    ),
}
