"""The networks that a user might choose instead of the shipped one, built here without trained weights.

Latency depends on a network's shape and not on its weights, so every network has random weights and
the kit's three classes; none of them can read a film. Needs the `train` extra.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CLASSES = 3


@dataclass(frozen=True)
class Network:
    """One network. `build` returns a tf_keras model; `source` says where its shape was published."""

    title: str
    size_px: int
    build: Callable[[Any, int], Any]
    source: str


def _mobilenet_v2(keras: Any, size_px: int) -> Any:
    shape = (size_px, size_px, 3)
    return keras.applications.MobileNetV2(shape, weights=None, classes=CLASSES, classifier_activation=None)


def _mobilenet_v3_small(keras: Any, size_px: int) -> Any:
    return keras.applications.MobileNetV3Small(
        (size_px, size_px, 3),
        weights=None,
        classes=CLASSES,
        classifier_activation=None,
        include_preprocessing=False,
    )


def _densenet201(keras: Any, size_px: int) -> Any:
    shape = (size_px, size_px, 3)
    return keras.applications.DenseNet201(
        weights=None, input_shape=shape, classes=CLASSES, classifier_activation="linear"
    )


def _convolution(keras: Any, x: Any, channels: int, side: int, stride: int, activate: bool = True) -> Any:
    x = keras.layers.Conv2D(channels, side, stride, "same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.ReLU(6.0)(x) if activate else x


def _depthwise(keras: Any, x: Any, side: int, stride: int) -> Any:
    x = keras.layers.DepthwiseConv2D(side, stride, "same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.ReLU(6.0)(x)


def _efficientnet_lite0(keras: Any, size_px: int) -> Any:
    """For colour images, as published; the one in `train` is for gray films."""
    from train.networks.efficientnet_lite0 import HEAD_CHANNELS, STAGES, STEM_CHANNELS

    image = keras.Input((size_px, size_px, 3))
    x = _convolution(keras, image, STEM_CHANNELS, 3, 2)
    for repeats, side, first_stride, expansion, channels in STAGES:
        for stride in [first_stride] + [1] * (repeats - 1):
            start = x
            if expansion > 1:
                x = _convolution(keras, x, expansion * x.shape[-1], 1, 1)
            x = _convolution(keras, _depthwise(keras, x, side, stride), channels, 1, 1, activate=False)
            if stride == 1 and start.shape[-1] == channels:
                x = keras.layers.Add()([start, x])
    x = keras.layers.GlobalAveragePooling2D()(_convolution(keras, x, HEAD_CHANNELS, 1, 1))
    return keras.Model(image, keras.layers.Dense(CLASSES)(x))


def _visual_wake_words(keras: Any, size_px: int) -> Any:
    """MobileNetV1 at a quarter of its width, as in MLPerf Tiny."""
    image = keras.Input((size_px, size_px, 3))
    x = _convolution(keras, image, 8, 3, 2)
    strides_and_channels = [(1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128), *[(1, 128)] * 5, (2, 256), (1, 256)]
    for stride, channels in strides_and_channels:
        x = _convolution(keras, _depthwise(keras, x, 3, stride), channels, 1, 1)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(CLASSES)(x))


NETWORKS = {
    "mobilenet-v2": Network("MobileNetV2 1.0", 224, _mobilenet_v2, "Sandler 2018, arXiv:1801.04381; tf_keras"),
    "mobilenet-v3-small": Network(
        "MobileNetV3-Small", 224, _mobilenet_v3_small, "Howard 2019, arXiv:1905.02244; tf_keras"
    ),
    "efficientnet-lite0": Network(
        "EfficientNet-Lite0",
        224,
        _efficientnet_lite0,
        "TensorFlow TPU models, efficientnet/lite: B0 without squeeze-and-excite, ReLU6 for swish",
    ),
    "mlperf-tiny-vww": Network(
        "MLPerf Tiny visual wake words",
        96,
        _visual_wake_words,
        "Banbury 2021, arXiv:2106.07597: MobileNetV1 x 0.25 at 96 px",
    ),
    "densenet201": Network("DenseNet201", 224, _densenet201, "Huang 2017, arXiv:1608.06993; tf_keras"),
}
