"""A model built once more, layer by layer, with some of its settings changed and the same weights."""

from collections.abc import Callable
from typing import Any

from train.keras import keras


def rebuilt(model: Any, change: Callable[[Any, dict[str, Any]], None]) -> Any:
    """The same network with other settings.

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
