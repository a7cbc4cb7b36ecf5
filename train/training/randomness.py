"""Random numbers inside the network that follow from seed and epoch, so that a resumed run draws
the very ones that it would have drawn.
"""

from typing import Any

from train.keras import keras


def use_own_generators() -> None:
    """Let layers that are built from now on keep their state where `EpochSeeds` can set it."""
    keras.backend.experimental.enable_tf_random_generator()


class EpochSeeds(keras.callbacks.Callback):
    """Seeds dropout anew at the start of every epoch."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Give every layer that draws a seed of its own."""
        for number, generator in enumerate(_generators(self.model)):
            generator.reset_from_seed((self._seed * 100_003 + epoch) * 1_009 + number)


def _generators(model: Any) -> list[Any]:
    """The generators of the layers that draw, in the order of the layers."""
    held = (getattr(layer, "_random_generator", None) for layer in model.layers)
    generators = (getattr(random, "_generator", None) for random in held)
    return [generator for generator in generators if generator is not None]
