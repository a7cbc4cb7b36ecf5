"""What the kit must know about a network; each network's own file declares it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]  # "layer/variable" to its value


@dataclass(frozen=True)
class Architecture:
    """A network with the settings that it trains best with."""

    build: Callable[..., Any]
    """From input size in pixels and number of classes to a Keras model with outputs logits, class_map, features."""
    input_size_px: int
    """Side of the square input."""
    source: str
    """Who published it, as the table of networks states it."""
    epochs: int = 100
    """At most, 1 or more."""
    learning_rate: float = 2e-3
    """The peak, above 0."""
    batch_size: int = 64
    """Films per step, 1 or more."""
    steps_per_epoch: int = 0
    """0 for as many full batches as there are films."""
    published_weights: Callable[[Path | None], Weights] | None = None
    """Makes the weights that it is meant to start from; takes a file, or None to find or download them."""
    qat: bool = False
    """Its int8 file comes from quantization-aware training."""
    takes_stages: bool = False
    """`build` also takes `stages`, its depth and width."""
    outside_xnnpack: tuple[str, ...] = ()
    """Operators of its int8 file that XNNPACK does not take."""
