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


def _published(name: str, **options: Any) -> Callable[[Any, int], Any]:
    """A network of keras.applications, by its name there."""

    def build(keras: Any, size_px: int) -> Any:
        published = getattr(keras.applications, name)
        shape = (size_px, size_px, 3)
        return published(input_shape=shape, weights=None, classes=CLASSES, classifier_activation=None, **options)

    return build


def _efficientnet_lite0(keras: Any, size_px: int) -> Any:
    """For colour images, as published; the one in `train` is for gray films."""
    from train.networks.efficientnet_lite0 import backbone

    image = keras.Input((size_px, size_px, 3))
    return _classifier(keras, image, backbone(image))


def _visual_wake_words(keras: Any, size_px: int) -> Any:
    """MobileNetV1 at a quarter of its width, as in MLPerf Tiny."""
    layers = keras.layers

    def normalised(x: Any) -> Any:
        return layers.ReLU(6.0)(layers.BatchNormalization()(x))

    image = keras.Input((size_px, size_px, 3))
    x = normalised(layers.Conv2D(8, 3, 2, "same", use_bias=False)(image))
    strides_and_channels = [(1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128), *[(1, 128)] * 5, (2, 256), (1, 256)]
    for stride, channels in strides_and_channels:
        x = normalised(layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x))
        x = normalised(layers.Conv2D(channels, 1, 1, "same", use_bias=False)(x))
    return _classifier(keras, image, x)


def _classifier(keras: Any, image: Any, x: Any) -> Any:
    pooled = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(CLASSES)(pooled))


NETWORKS = {
    "mobilenet-v2": Network(
        "MobileNetV2 1.0", 224, _published("MobileNetV2"), "Sandler 2018, arXiv:1801.04381; tf_keras"
    ),
    "mobilenet-v3-small": Network(
        "MobileNetV3-Small",
        224,
        _published("MobileNetV3Small", include_preprocessing=False),
        "Howard 2019, arXiv:1905.02244; tf_keras",
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
    "densenet201": Network("DenseNet201", 224, _published("DenseNet201"), "Huang 2017, arXiv:1608.06993; tf_keras"),
}
