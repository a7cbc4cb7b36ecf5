"""Pictures of a run, as PNG: training curves, confusion matrix, ROC and calibration."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_curve

from edge_app.system.files import write_atomically


def write_curves(history: list[dict[str, float]], path: Path) -> None:
    """Loss in training and on the evaluation sets, and the lowest AUC on them, by epoch."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row["loss"] for row in history], label="training (weighted, smoothed)")
    left.plot(epochs, [row["judge_loss"] for row in history], label="evaluation sets")
    left.set(xlabel="epoch", ylabel="cross-entropy")
    left.legend()
    right.plot(epochs, [row["judge_auc"] for row in history])
    right.set(xlabel="epoch", ylabel="lowest AUC")
    _save(figure, path)


def write_confusion(confusion: list[list[int]], labels: tuple[str, ...], title: str, path: Path) -> None:
    """Films by true class (rows) and predicted class (columns)."""
    counts = np.array(confusion)
    figure = Figure(figsize=(4.5, 4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        dark = count > 0.5 * counts[row].sum()
        axes.text(column, row, str(count), ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="prediction", ylabel="truth", title=title)
    _save(figure, path)


def write_roc_and_calibration(scores: dict[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """ROC curve and calibration on each evaluation set.

    Args:
        scores: name of the evaluation set to (positive bool (films,), P(finding) (films,)).
    """
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    right.plot([0, 1], [0, 1], color="gray", linewidth=0.8)
    for name, (positive, p_finding) in scores.items():
        false_alarms, recall, _ = roc_curve(positive, p_finding)
        left.plot(false_alarms, recall, label=name)
        share, mean = calibration_curve(positive, p_finding, n_bins=10, strategy="quantile")
        right.plot(mean, share, marker="o", label=name)
    left.set(xlabel="1 - specificity", ylabel="recall", xlim=(0, 0.3), ylim=(0.7, 1.005))
    right.set(xlabel="predicted P(pneumonia)", ylabel="share with pneumonia")
    left.legend(loc="lower right")
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    content = io.BytesIO()
    FigureCanvasAgg(figure).print_png(content)
    write_atomically(path, content.getvalue())
