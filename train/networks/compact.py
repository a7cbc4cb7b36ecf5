"""The network that ships: small residual stages, a fully convolutional head, only common operators.

Full 3x3 convolutions with few channels rather than depthwise ones: int8 depthwise kernels are slow
on the processors this runs on, and at 16 to 96 channels a full convolution costs no more time.
Channels are multiples of 16, as the int8 kernels need.
"""

from typing import Any

from train.keras import keras
from train.networks.architecture import Architecture

layers = keras.layers
STEM_CHANNELS = 16
Stages = tuple[tuple[int, int, int], ...]
# (channels of the stage, channels inside its bottlenecks, number of bottlenecks); each halves the side
STAGES: Stages = ((32, 16, 0), (64, 32, 1), (96, 32, 3))
WIDER_STAGES: Stages = ((32, 16, 1), (64, 32, 2), (96, 32, 2))  # for 160 px: half as fast
DROPOUT = 0.2
BATCH_NORM_MOMENTUM = 0.98


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
    x = _convolution(film, STEM_CHANNELS, 3, stride=2)
    for channels, inner, count in stages:
        x = _convolution(x, channels, 3, stride=2)
        for _ in range(count):
            x = _bottleneck(x, channels, inner)
    return keras.Model(film, head(x, classes), name="compact")


def build_wider(input_size_px: int, classes: int) -> Any:
    """The same network for larger films, with more at high resolution; arguments as `build_compact`."""
    return build_compact(input_size_px, classes, WIDER_STAGES)


def head(x: Any, classes: int) -> list[Any]:
    """Class map by a 1x1 convolution, logits as its mean, so the heatmap shows what decided."""
    features = layers.GlobalAveragePooling2D(name="features")(x)
    class_map = layers.Conv2D(classes, 1, name="class_map")(layers.Dropout(DROPOUT)(x))
    logits = layers.GlobalAveragePooling2D(name="logits")(class_map)
    return [logits, class_map, features]


def _bottleneck(x: Any, channels: int, inner: int) -> Any:
    """Squeeze, 3x3, widen, add (He et al., arXiv:1512.03385)."""
    y = _convolution(x, inner, 1)
    y = _convolution(y, inner, 3)
    y = _convolution(y, channels, 1, active=False)
    return layers.ReLU(6.0)(layers.Add()([x, y]))


def _convolution(x: Any, channels: int, kernel: int, stride: int = 1, active: bool = True) -> Any:
    """Convolution directly followed by batch norm, so that conversion can fold it."""
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
    return layers.ReLU(6.0)(x) if active else x


NETWORKS = {
    "compact": Architecture(
        build_compact, 128, "this kit: residual 3x3 convolutions, fully convolutional head", epochs=80, qat=True
    ),
    "compact-160": Architecture(build_wider, 160, "this kit: compact as it was in 0.1, for larger films"),
}
