"""The same network rebuilt with other settings: how it computes in training, and afterwards.

Training may multiply in bfloat16, which some processors do faster than float32, and its batch norms may
see the batches of all replicas. Weights, their averages, the network's outputs and everything after
training stay float32, with ordinary batch norms.
"""

from collections.abc import Callable
from typing import Any

from train.keras import keras

HALF, FULL = "mixed_bfloat16", "float32"


def for_training(model: Any, bfloat16: bool, synchronized: bool) -> Any:
    """The model as it is trained; call it within the strategy's scope.

    Args:
        bfloat16: every layer computes in bfloat16, except those that give the outputs.
        synchronized: batch norms see the batches of all replicas.
    """
    if bfloat16:
        names = model.output_names
        model = rebuilt(model, lambda layer, config: config.update(dtype=FULL if layer.name in names else HALF))
    return rebuilt(model, _batch_norms(synchronized=True)) if synchronized else model


def full_precision(model: Any) -> Any:
    """The model with layers that compute in float32."""
    return rebuilt(model, lambda _, config: config.update(dtype=FULL))


def for_use(model: Any) -> Any:
    """The model as everything after training expects it: float32, with ordinary batch norms."""
    return rebuilt(full_precision(model), _batch_norms(synchronized=False))


def rebuilt(model: Any, change: Callable[[Any, dict[str, Any]], None]) -> Any:
    """The same network, with the same weights, built with other settings.

    Args:
        change: gets each layer and its settings, and changes the settings in place.
    """

    def built(layer: Any) -> Any:
        config = layer.get_config()
        change(layer, config)
        return type(layer).from_config(config)

    clone = keras.models.clone_model(model, clone_function=built)
    clone.set_weights(model.get_weights())
    return clone


def _batch_norms(synchronized: bool) -> Callable[[Any, dict[str, Any]], None]:
    def change(layer: Any, config: dict[str, Any]) -> None:
        if isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = synchronized

    return change
