"""What happens between the training steps: seeds, averaged weights, evaluation and checkpoint, progress, patience."""

import logging
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from edge_app.reading.decision import softmax
from train.evaluation.evaluation_sets import EvaluationSet
from train.evaluation.metrics import roc_auc
from train.keras import keras, tf
from train.networks.inference import predict
from train.training import checkpoint
from train.training.checkpoint import Progress
from train.training.plan import TrainingPlan

LOG = logging.getLogger(__name__)


def training_callbacks(
    plan: TrainingPlan, sets: Sequence[EvaluationSet], folder: Path, progress: Progress, steps: int
) -> list[Any]:
    """All callbacks of a training, in the order in which they must run.

    Args:
        folder: of the checkpoint.
        progress: where the training starts; finished epochs are added to its history.
        steps: per epoch.
    """
    history = progress.history
    averaging = [WeightAverage(progress.average, plan.recipe.averaging)] if plan.recipe.averaging else []
    return [
        EpochSeeds(plan.options.seed),
        *averaging,
        RunRecorder(folder, progress.average, sets, history, plan.schedule.epochs),
        *([EventFiles(plan.options.tensorboard, history)] if plan.options.tensorboard else []),
        ProgressBar(plan.schedule.epochs * steps, len(history) * steps),
        Patience(plan.schedule.patience, list(history)),
    ]


class EpochSeeds(keras.callbacks.Callback):
    """Seeds dropout anew at the start of every epoch, so that a resumed run draws what it would have drawn."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Give every layer that draws random numbers a seed of its own."""
        for number, generator in enumerate(_generators(self.model)):
            generator.reset_from_seed((self._seed * 100_003 + epoch) * 1_009 + number)


def _generators(model: Any) -> list[Any]:
    """The random generators of the layers, in the order of the layers."""
    held = (getattr(layer, "_random_generator", None) for layer in model.layers)
    generators = (getattr(random, "_generator", None) for random in held)
    return [generator for generator in generators if generator is not None]


class WeightAverage(keras.callbacks.Callback):
    """Keeps `average`, a model of the same shape, as the running average of the weights.

    The average generalises better than the last weights (Polyak and Juditsky 1992). The statistics of
    batch norms are averaged too, so that the averaged model can be used as it is.
    """

    def __init__(self, average: Any, decay: float) -> None:
        super().__init__()
        self.average = average
        self._decay = decay

    def set_model(self, model: Any) -> None:
        """Compile the update once the model is known."""
        super().set_model(model)
        # The replicas of a distributed model hold the same weights, so the first one is read.
        strategy = model.distribute_strategy
        weights = [strategy.experimental_local_results(weight)[0] for weight in model.variables]
        pairs = list(zip(self.average.variables, weights, strict=False))

        @tf.function
        def update() -> None:
            step = tf.cast(model.optimizer.iterations, tf.float32)
            # Early on, the average must soon forget the random first weights.
            decay = tf.minimum(self._decay, step / (step + 10.0))
            for averaged, weight in pairs:
                averaged.assign(decay * averaged + (1.0 - decay) * weight)

        self._update = update

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Add the weights of one step."""
        self._update()


class RunRecorder(keras.callbacks.Callback):
    """Evaluates the averaged model after each epoch, and saves the checkpoint.

    Adds `judge_loss`, the mean loss over the evaluation sets, and `judge_auc`, the lowest AUC on any of
    them. The best epoch has the highest `judge_auc`: the loss is mostly about bacterial against viral,
    where the labels are noisy.
    """

    def __init__(
        self, folder: Path, average: Any, sets: Sequence[EvaluationSet], history: list[dict[str, float]], epochs: int
    ) -> None:
        super().__init__()
        self._average = average
        self._folder = folder
        self._sets = sets
        self._history = history
        self._epochs = epochs
        self._done_before = len(history)
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Evaluate, then save."""
        logs = {} if logs is None else logs
        logs.pop("logits_loss", None)  # the same as "loss": only the logits are trained
        figures = [self._loss_and_auc(films) for films in self._sets]
        logs["judge_loss"] = float(np.mean([loss for loss, _ in figures]))
        logs["judge_auc"] = min(auc for _, auc in figures)
        best = max(self._history, key=lambda row: row["judge_auc"], default={"epoch": 0, "judge_auc": -math.inf})
        is_best = logs["judge_auc"] > best["judge_auc"]
        self._history.append({"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}})
        checkpoint.save(self._folder, self.model, self._average, self._history, is_best)
        row = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        kept = "the best so far" if is_best else f"epoch {best['epoch']} is still the best"
        LOG.info("epoch %d of %d: %s; %s; %s", epoch + 1, self._epochs, row, kept, self._time_left())

    def _time_left(self) -> str:
        seconds = (time.monotonic() - self._started) / (len(self._history) - self._done_before)
        left = seconds * (self._epochs - len(self._history))
        return f"at most {left / 60:.0f} min left" if left >= 90 else f"at most {left:.0f} s left"

    def _loss_and_auc(self, films: EvaluationSet) -> tuple[float, float]:
        logits = predict(self._average, films.pixels)["logits"]
        chosen = softmax(logits, 1.0)[np.arange(len(films.classes)), films.classes]
        auc = roc_auc(films.positive, films.p_finding(logits, 1.0))
        return float(-np.log(np.maximum(chosen, 1e-12)).mean()), auc.value


class EventFiles(keras.callbacks.Callback):
    """Writes the figures of each epoch for TensorBoard, which need not be installed here."""

    def __init__(self, folder: Path, history: list[dict[str, float]]) -> None:
        super().__init__()
        self._history = history
        self._writer = tf.summary.create_file_writer(str(folder))
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Write, and flush: the page is looked at while the training goes on."""
        with self._writer.as_default():
            for name, value in self._history[-1].items():
                tf.summary.write(name, tf.constant(value, tf.float32), epoch + 1, self._metadata)
        self._writer.flush()


class Patience(keras.callbacks.EarlyStopping):
    """Stops when `judge_auc` has not risen for some epochs; those before a kill count."""

    def __init__(self, patience: int, history: list[dict[str, float]]) -> None:
        super().__init__("judge_auc", mode="max", patience=patience)
        self._history = history

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Count the epochs that the run has waited already."""
        super().on_train_begin(logs)
        for row in self._history:
            self.on_epoch_end(int(row["epoch"]) - 1, row)


class ProgressBar(keras.callbacks.Callback):
    """One bar over all steps, on a terminal only."""

    def __init__(self, total_steps: int, done_steps: int) -> None:
        super().__init__()
        self._bar = tqdm(
            total=total_steps, initial=done_steps, desc="training", file=sys.stderr, disable=not sys.stderr.isatty()
        )

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Count one step."""
        self._bar.update(1)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Leave the bar as it is."""
        self._bar.close()
