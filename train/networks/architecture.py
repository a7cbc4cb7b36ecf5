"""What the kit must know about a network; each network's own file declares it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError

OUTPUTS = ("logits", "class_map", "features")
READABLE = ("keras", "tf_keras", "train.networks")  # where layers come from that every command can read back
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

    def checked(self, classes: int) -> Any:
        """Build the network.

        Args:
            classes: number of logits.
        Raises:
            DataError: its input or outputs are not the kit's, or it has a layer that no other command could read back.
        """
        model, side_px = self.build(self.input_size_px, classes), self.input_size_px
        if tuple(model.output_names) != OUTPUTS or model.input_shape != (None, side_px, side_px, 1):
            raise DataError(
                f"the network takes {model.input_shape} and gives {', '.join(model.output_names)}, expected "
                f"{(None, side_px, side_px, 1)} and {', '.join(OUTPUTS)}: end it in train.networks.blocks.head"
            )
        for layer in model.layers:
            if not type(layer).__module__.startswith(READABLE):
                raise DataError(
                    f"layer {layer.name!r} is a {type(layer).__name__} of {type(layer).__module__}, which convert "
                    "could not read: build the network of Keras's layers and those of train.networks.blocks"
                )
        return model
