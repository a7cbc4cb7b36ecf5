"""Keeps a training run safe: after every epoch the last and the best model and the history."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from edge_app.reading.decision import finding_probability, softmax
from edge_app.system.files import write_atomically
from train.evaluation.evaluation_sets import Judge
from train.evaluation.metrics import roc_auc
from train.keras import keras
from train.networks.inference import predict
from train.networks.saving import save_model

LAST, BEST, HISTORY = "last.keras", "best.keras", "history.json"


class RunRecorder(keras.callbacks.Callback):
    """Judges the averaged model after each epoch, and writes both models, the best one and `history.json`.

    Adds `judge_loss` and `judge_auc` to the epoch's figures; the best epoch has the highest AUC on its
    hardest judge. (The
    loss is mostly about bacterial against viral, where the labels are noisy.)
    """

    def __init__(
        self, folder: Path, average: Any, judges: tuple[Judge, ...], negative: int, history: list[dict[str, float]]
    ) -> None:
        super().__init__()
        self._average = average
        self._folder = folder
        self._judges = judges
        self._negative = negative
        self.history = history

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Judge, then save: the history, the best model, and last the one that a resumed run starts from.

        So whenever a kill comes, the last model has no epoch behind it that the two others lack.
        """
        logs = {} if logs is None else logs
        logs.pop("logits_loss", None)  # the same as "loss": only the logits are trained
        logs |= self._judged()
        best_before = max((row["judge_auc"] for row in self.history), default=-math.inf)
        self.history.append({"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}})
        write_atomically(self._folder / HISTORY, json.dumps(self.history, indent=1).encode())
        if logs["judge_auc"] > best_before:
            save_model(self._average, self._folder / BEST)
        # The average first, beside the one before: a kill here leaves the pair that belongs together.
        save_model(self._average, average_path(self._folder, epoch + 1))
        save_model(self.model, self._folder / LAST)
        average_path(self._folder, epoch).unlink(missing_ok=True)
        figures = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        print(f"epoch {epoch + 1}: {figures}", file=sys.stderr, flush=True)

    def _judged(self) -> dict[str, float]:
        """The mean loss, and the lowest AUC: a model is as good as its hardest judge finds it."""
        figures = [self._figures(judge) for judge in self._judges]
        return {
            "judge_loss": float(np.mean([loss for loss, _ in figures])),
            "judge_auc": min(auc for _, auc in figures),
        }

    def _figures(self, judge: Judge) -> tuple[float, float]:
        probabilities = softmax(predict(self._average, judge.pixels)["logits"], 1.0)
        chosen = probabilities[np.arange(len(judge.classes)), judge.classes]
        auc = roc_auc(judge.classes != self._negative, finding_probability(probabilities, self._negative))
        return float(-np.log(np.maximum(chosen, 1e-12)).mean()), auc.value


class Patience(keras.callbacks.EarlyStopping):
    """Stops when the judge's AUC has not risen for some epochs; those before a kill count."""

    def __init__(self, patience: int, history: list[dict[str, float]]) -> None:
        super().__init__("judge_auc", mode="max", patience=patience)
        self._history = history

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Wait as long as the run has waited already."""
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
        """One step more."""
        self._bar.update(1)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Leave the bar as it stands."""
        self._bar.close()


def average_path(folder: Path, epochs: int) -> Path:
    """Where the averaged model after so many epochs lies."""
    return folder / f"average-{epochs}.keras"


def read_history(folder: Path) -> list[dict[str, float]]:
    """The epochs that a killed run has written; none when there is no history."""
    path = folder / HISTORY
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
