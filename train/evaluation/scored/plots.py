"""The picture of a report: ROC curve, calibration and decision curve."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve


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
    content = io.BytesIO()
    FigureCanvasAgg(figure).print_png(content)
    return content.getvalue()
