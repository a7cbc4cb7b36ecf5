"""The network that ships: small residual stages, a fully convolutional head, only common operators.

The film's pixels first become channels, because a convolution with one input channel wastes the int8 kernels.
Full 3x3 convolutions with few channels rather than depthwise ones: int8 depthwise kernels are slow
on the processors this runs on, and at 16 to 96 channels a full convolution costs no more time.
Channels are multiples of 16, as the int8 kernels need.
"""

from typing import Any

from train.keras import keras
from train.networks.architecture import Architecture
from train.networks.blocks import SpaceToDepth, bottleneck, convolution, head

layers = keras.layers
Stages = tuple[tuple[int, int, int], ...]
# (channels of the stage, channels inside its bottlenecks, number of bottlenecks); each halves the side
STAGES: Stages = ((32, 16, 0), (64, 32, 1), (96, 32, 3))
WIDER_STAGES: Stages = ((32, 16, 1), (64, 32, 2), (96, 32, 2))  # for 160 px


def build_compact(input_size_px: int, classes: int, stages: Stages = STAGES) -> Any:
    """Build the network.

    Args:
        input_size_px: side of the input (1, N, N, 1), gray levels 0..255.
        classes: number of logits.
        stages: depth and width.
    Returns:
        A Keras model with outputs `logits`, `class_map` and `features`.
    """
    film = layers.Input((input_size_px, input_size_px, 1), name="film")
    x = SpaceToDepth()(film)
    for channels, inner, count in stages:
        x = convolution(x, channels, 3, stride=2)
        for _ in range(count):
            x = bottleneck(x, channels, inner)
    return keras.Model(film, head(x, classes), name="compact")


def build_wider(input_size_px: int, classes: int, stages: Stages = WIDER_STAGES) -> Any:
    """The same network for larger films, with more at high resolution; arguments as `build_compact`."""
    return build_compact(input_size_px, classes, stages)


NETWORKS = {
    "compact": Architecture(
        build_compact,
        112,
        "this kit: residual 3x3 convolutions, fully convolutional head",
        epochs=80,
        qat=True,
        takes_stages=True,
    ),
    "compact-160": Architecture(
        build_wider, 160, "this kit: compact as it was in 0.1, for larger films", takes_stages=True
    ),
}
