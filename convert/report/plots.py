"""Plots of a conversion, as PNG bytes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from convert.gates.layers import LayerError
from edge_app.model.card import ModelCard
from edge_app.reading.decision import p_finding
from train.evaluation.plots import png


def parity_plot(reference: dict[str, np.ndarray], outputs: dict[str, dict[str, np.ndarray]], card: ModelCard) -> bytes:
    """P(pneumonia) by file and by float model, a point per film, and the logit errors by class.

    Args:
        reference: the float model's outputs; `logits` (films, classes).
        outputs: the file's, by runtime.
    """
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _, point = card.operating_point()

    def probabilities(side: dict[str, np.ndarray]) -> np.ndarray:
        return p_finding(side["logits"], card.temperature, card.negative_index)

    left.plot([0, 1], [0, 1], color="gray", linewidth=0.8)
    for runtime, given in outputs.items():
        left.scatter(probabilities(reference), probabilities(given), s=8, label=runtime)
    left.axvline(point.threshold, color="gray", linestyle=":")
    left.axhline(point.threshold, color="gray", linestyle=":")
    left.set(xlabel="P(pneumonia), float model", ylabel="P(pneumonia), this file")
    left.legend()
    runtime, given = next(iter(outputs.items()))
    error = given["logits"] - reference["logits"]
    right.hist([error[:, index] for index in range(len(card.labels))], bins=30, label=list(card.labels))
    right.set(xlabel=f"logit error in {runtime}", ylabel="films")
    right.legend()
    return png(figure)


def layer_plot(errors: Sequence[LayerError]) -> bytes:
    """Signal-to-noise ratio after every operator; the one that loses the most is red."""
    worst = max(errors, key=lambda error: error.lost_db)
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    axes = figure.subplots()
    colors = ["#c8102e" if error is worst else "#4c78a8" for error in errors]
    axes.bar([error.number for error in errors], [error.signal_to_noise_db for error in errors], color=colors)
    axes.set_xticks([error.number for error in errors], [error.operator for error in errors], rotation=90, fontsize=7)
    axes.set(ylabel="signal-to-noise (dB)")
    return png(figure)
