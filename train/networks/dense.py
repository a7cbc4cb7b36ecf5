"""Networks without convolutions: the simplest ones that systems before this kit tried.

A dense head has no class map. The logits take its place, as a map of a single cell that shows no location.
"""

from functools import partial
from typing import Any

from train.keras import keras
from train.networks.architecture import Architecture
from train.networks.blocks import BATCH_NORM_MOMENTUM

layers = keras.layers
DROPOUT = 0.2


def dense_head(x: Any, units: tuple[int, ...], classes: int) -> list[Any]:
    """Dense layers, the last hidden one as features, and logits that are also the class map.

    Args:
        x: (films, values).
        units: of the hidden layers.
    """
    for number, count in enumerate(units[:-1], start=1):
        x = layers.Dense(count, activation="relu", name=f"dense{number}")(x)
    features = layers.Dense(units[-1], activation="relu", name="features")(x)
    logits = layers.Dense(classes, name="logits")(layers.Dropout(DROPOUT)(features))
    return [logits, layers.Reshape((1, 1, classes), name="class_map")(logits), features]


def build_dense(input_size_px: int, classes: int, name: str, units: tuple[int, ...]) -> Any:
    """Hidden layers of some units on the film as a row of pixels; input (1, N, N, 1), gray levels 0..255."""
    film = layers.Input((input_size_px, input_size_px, 1), name="film")
    # A convolution of one weight scales the gray levels, and conversion folds the batch norm into it.
    # A scaling layer would be simpler, but quantization-aware training supports none.
    x = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="scale_conv")(film)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name="scale_bn")(x)
    return keras.Model(film, dense_head(layers.Flatten()(x), units, classes), name=name)


NETWORKS = {
    "dense-baseline": Architecture(
        partial(build_dense, name="dense_baseline", units=(128, 64, 32)),
        64,
        "one of the systems before this kit: a simple network of a few hidden layers",
        epochs=30,
        learning_rate=1e-3,
    ),
    "mlp": Architecture(
        partial(build_dense, name="mlp", units=(256, 128, 64, 32)),  # the fifth dense layer gives the logits
        96,
        "one of the systems before this kit: flatten and five dense layers",
        epochs=30,
        learning_rate=1e-3,
    ),
}
