"""From logits on validation films to probabilities that mean something, and thresholds on them.

All of it is chosen on the hardest judge at hand, the shortcut-free draws of the validation films,
and frozen in the model's card.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from edge_app.card import OperatingPoint
from edge_app.decision import softmax
from train.metrics import operating_point

HIGH_SENSITIVITY_RECALL = 0.98
WHO_TB_RECALL = 0.90  # of WHO's 90/70 target for tuberculosis triage: borrowed, not ours
UNCERTAIN_SHARE = 0.05  # of the judged films that the uncertain band takes in


@dataclass(frozen=True)
class Calibration:
    """What turns a model's logits into decisions."""

    temperature: float
    operating_points: dict[str, OperatingPoint]
    default_operating_point: str
    uncertainty_band: tuple[float, float]


def calibrate(logits: np.ndarray, classes: np.ndarray, negative: int) -> Calibration:
    """Choose temperature, thresholds and uncertain band.

    Args:
        logits: float (films, classes).
        classes: int (films,).
        negative: index of the class without pneumonia.
    """
    temperature = fit_temperature(logits, classes)
    p_pneumonia = 1 - softmax(logits, temperature)[:, negative]
    positive = classes != negative
    thresholds = {
        "balanced": youden_threshold(positive, p_pneumonia),
        "high-sensitivity": recall_threshold(positive, p_pneumonia, HIGH_SENSITIVITY_RECALL),
        "who-tb-like": recall_threshold(positive, p_pneumonia, WHO_TB_RECALL),
    }
    return Calibration(
        temperature=temperature,
        operating_points={name: operating_point(positive, p_pneumonia, at) for name, at in thresholds.items()},
        default_operating_point="balanced",
        uncertainty_band=uncertain_band(p_pneumonia, thresholds["balanced"]),
    )


def fit_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """The temperature with the lowest negative log-likelihood (Guo et al., ICML 2017)."""

    def loss(log_temperature: float) -> float:
        chosen = softmax(logits, float(np.exp(log_temperature)))[np.arange(len(classes)), classes]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def youden_threshold(positive: np.ndarray, p_pneumonia: np.ndarray) -> float:
    """The threshold with the highest recall + specificity; the middle one where several tie."""
    order = np.argsort(p_pneumonia)
    ranked, truth = p_pneumonia[order], positive[order]
    # Calling every film from `cut` on: recall loses the positives below, specificity gains the negatives.
    gained = np.concatenate([[0], np.cumsum(~truth)]) / max(1, (~truth).sum())
    lost = np.concatenate([[0], np.cumsum(truth)]) / max(1, truth.sum())
    best = np.flatnonzero(np.isclose(gained - lost, (gained - lost).max()))
    cut = int(best[len(best) // 2])
    below = ranked[cut - 1] if cut > 0 else 0.0
    above = ranked[cut] if cut < len(ranked) else 1.0
    return float(np.clip((below + above) / 2, 1e-6, 1 - 1e-6))


def recall_threshold(positive: np.ndarray, p_pneumonia: np.ndarray, recall: float) -> float:
    """The highest threshold that still calls this share of the positives."""
    ranked = np.sort(p_pneumonia[positive])
    missed = int(np.floor((1 - recall) * len(ranked)))
    return float(np.clip(ranked[missed], 1e-6, 1 - 1e-6))


def uncertain_band(p_pneumonia: np.ndarray, threshold: float) -> tuple[float, float]:
    """The films nearest to the threshold by rank, half of `UNCERTAIN_SHARE` on each side."""
    ranked = np.sort(p_pneumonia)
    at = int(np.searchsorted(ranked, threshold))
    reach = max(1, round(UNCERTAIN_SHARE / 2 * len(ranked)))
    low = ranked[max(0, at - reach)]
    high = ranked[min(len(ranked) - 1, at + reach)]
    return float(min(low, threshold)), float(max(high, threshold))
