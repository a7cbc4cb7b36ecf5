"""What several networks are built of."""

from typing import Any

from train.keras import keras, tf

layers = keras.layers
# An epoch has about 70 steps here, against the thousands of ImageNet's: so the statistics must adapt faster.
BATCH_NORM_MOMENTUM = 0.98
DROPOUT = 0.2  # before the head


@keras.utils.register_keras_serializable("cxr-edge-kit")
class SpaceToDepth(keras.layers.Layer):
    """Squares of 2 x 2 pixels become four channels: (films, N, N, 1) to (films, N / 2, N / 2, 4).

    A convolution with one input channel uses a fraction of the int8 kernels' width: as the first layer of the
    network before 0.4.0 it took more than half of the time. On four channels the same window costs a third.
    """

    def call(self, film: Any) -> Any:
        """Rearrange a batch; no value changes."""
        return tf.nn.space_to_depth(film, 2)


def convolution(x: Any, channels: int, kernel: int, stride: int = 1, active: bool = True) -> Any:
    """Convolution directly followed by batch norm, so that conversion can fold it."""
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
    return layers.ReLU(6.0)(x) if active else x


def bottleneck(x: Any, channels: int, inner: int) -> Any:
    """Squeeze, 3x3, widen, add (He et al., arXiv:1512.03385)."""
    y = convolution(x, inner, 1)
    y = convolution(y, inner, 3)
    y = convolution(y, channels, 1, active=False)
    return layers.ReLU(6.0)(layers.Add()([x, y]))


def head(x: Any, classes: int) -> list[Any]:
    """Class map by a 1x1 convolution, logits as its mean, so the heatmap shows what decided."""
    features = layers.GlobalAveragePooling2D(name="features")(x)
    class_map = layers.Conv2D(classes, 1, name="class_map")(layers.Dropout(DROPOUT)(x))
    logits = layers.GlobalAveragePooling2D(name="logits")(class_map)
    return [logits, class_map, features]
