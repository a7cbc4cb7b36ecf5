"""Plots as PNG bytes: training curves, and how well a model tells films apart."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_curve


def png(figure: Figure) -> bytes:
    """A figure as PNG; the same figure gives the same bytes."""
    content = io.BytesIO()
    FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})
    return content.getvalue()


def curves_plot(history: list[dict[str, float]]) -> bytes:
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
    return png(figure)


def roc_and_calibration_plot(scores: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> bytes:
    """ROC curve and calibration of several models on the same films, or of one on several sets.

    Args:
        scores: name to (positive bool (films,), P(finding) (films,)).
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
    right.set(xlabel="predicted P(finding)", ylabel="share with the finding")
    left.legend(loc="lower right")
    return png(figure)


def scored_plots(positive: np.ndarray, p_finding: np.ndarray, threshold: float, figures: Mapping[str, Any]) -> bytes:
    """ROC curve, calibration and decision curve of one model on some films, as PNG.

    Args:
        positive: bool (films,).
        p_finding: float (films,).
        threshold: the one in use, marked on the ROC curve.
        figures: from `train.evaluation.scored.figures`.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    false_alarms, recall, _ = roc_curve(positive, p_finding)
    left.plot(false_alarms, recall)
    place = 1 - figures["specificity"]["value"], figures["recall"]["value"]
    left.plot(*place, marker="o", linestyle="", label=f"threshold {threshold:.3f}")
    left.set(xlabel="1 - specificity", ylabel="recall")
    middle.plot([0, 1], [0, 1], color="gray", linewidth=0.8)
    bins = figures["calibration"]
    middle.plot([row["mean_p"] for row in bins], [row["share"] for row in bins], marker="o")
    middle.set(xlabel="predicted probability", ylabel="share with the finding")
    curve = figures["decision_curve"]
    for name, style in (("model", "-"), ("everyone", "--")):
        right.plot([row["threshold"] for row in curve], [row[name] for row in curve], style, label=name)
    right.axhline(0, color="gray", linewidth=0.8, label="no one")
    lowest = min(row["model"] for row in curve)
    right.set(xlabel="threshold probability", ylabel="net benefit", ylim=(min(-0.05, lowest), None))
    left.legend(loc="lower right")
    right.legend()
    return png(figure)
