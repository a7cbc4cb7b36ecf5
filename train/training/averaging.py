"""A running average of the weights, which generalises better than their last value.

(Polyak and Juditsky 1992.) The averages that batch normalisation keeps are averaged too, so that
the averaged network can be used as it is.
"""

from typing import Any

from train.keras import keras, tf


class WeightAverage(keras.callbacks.Callback):
    """Keeps `average`, a model of the same shape, up to date after every step."""

    def __init__(self, average: Any, decay: float) -> None:
        super().__init__()
        self.average = average
        self._decay = decay

    def set_model(self, model: Any) -> None:
        """Compile the update once the model is known."""
        super().set_model(model)
        # The replicas of a distributed model hold the same weights: this one's own are read.
        strategy = model.distribute_strategy
        weights = [strategy.experimental_local_results(weight)[0] for weight in model.variables]
        pairs = list(zip(self.average.variables, weights, strict=False))

        @tf.function
        def update() -> None:
            step = tf.cast(model.optimizer.iterations, tf.float32)
            # Early on the average must not hold to weights that were drawn at random.
            decay = tf.minimum(self._decay, step / (step + 10.0))
            for averaged, weight in pairs:
                averaged.assign(decay * averaged + (1.0 - decay) * weight)

        self._update = update

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Take in the weights of one step."""
        self._update()
