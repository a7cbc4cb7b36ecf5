"""The networks by the name that `--arch` takes. Each builder says where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge_app.errors import DataError
from train.networks.compact import build_compact


@dataclass(frozen=True)
class Architecture:
    """`build(input_size_px, classes)` gives a Keras model with outputs logits, class_map, features."""

    build: Callable[[int, int], Any]
    input_size_px: int
    source: str


ARCHITECTURES = {
    "compact": Architecture(build_compact, 128, "this kit: residual 3x3 convolutions, fully convolutional head"),
}


def find_architecture(name: str) -> Architecture:
    """Look up `--arch`.

    Raises:
        DataError: there is no such network.
    """
    if name not in ARCHITECTURES:
        raise DataError(f"there is no network {name!r}; the kit has {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
