"""The networks by the name that `--arch` takes. Each builder says where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge_app.errors import DataError
from train.networks.compact import build_compact, build_wider
from train.networks.efficientnet_lite0 import build_efficientnet_lite0


@dataclass(frozen=True)
class Architecture:
    """`build(input_size_px, classes)` gives a Keras model with outputs logits, class_map, features."""

    build: Callable[[int, int], Any]
    input_size_px: int
    source: str
    epochs: int = 100  # at most
    learning_rate: float = 2e-3  # at its highest
    batch_size: int = 64
    steps_per_epoch: int = 0  # 0: as many full batches as there are films
    pretrained: bool = False  # meant to start from --weights


ARCHITECTURES = {
    "compact": Architecture(build_compact, 128, "this kit: residual 3x3 convolutions, fully convolutional head"),
    "compact-160": Architecture(build_wider, 160, "this kit: compact for larger films, at twice its time"),
    "efficientnet-lite0": Architecture(
        build_efficientnet_lite0,
        160,
        "Tan and Le, arXiv:1905.11946, in its int8 variant (TensorFlow TPU models, efficientnet/lite)",
        epochs=20,
        learning_rate=3e-4,
        pretrained=True,
    ),
}


def find_architecture(name: str) -> Architecture:
    """Look up `--arch`.

    Raises:
        DataError: there is no such network.
    """
    if name not in ARCHITECTURES:
        raise DataError(f"there is no network {name!r}; the kit has {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
