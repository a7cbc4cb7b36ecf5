"""A network small enough to be trained in a test in a few seconds; tests call it `--arch tiny`."""

from typing import Any

from train.keras import keras
from train.networks import Architecture
from train.networks.blocks import head

SIDE_PX = 32


def build_tiny(input_size_px: int, classes: int) -> Any:
    """The kit's kind of network with six operators: convolutions, a residual, the kit's head."""
    layers = keras.layers

    def convolution(x: Any, channels: int, stride: int, active: bool = True) -> Any:
        x = layers.Conv2D(channels, 3, stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.8)(x)
        return layers.ReLU(6.0)(x) if active else x

    film = layers.Input((input_size_px, input_size_px, 1), name="film")
    x = convolution(convolution(film, 16, 2), 32, 2)
    x = layers.ReLU(6.0)(layers.Add()([x, convolution(x, 32, 1, active=False)]))
    return keras.Model(film, head(x, classes), name="tiny")


TINY = Architecture(build_tiny, SIDE_PX, "tests")
