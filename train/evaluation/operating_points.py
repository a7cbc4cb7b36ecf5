"""From logits on validation films to calibrated probabilities, and thresholds on them.

Every threshold must do well on every evaluation set. Chosen on one set alone, it would suit only films made
like those of that set. A bound on recall holds on all sets. The temperature, and the figures given for
each threshold, are those of the last set: the shortcut-free draws of the validation films. The model's
card keeps them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from edge_app.model.card import OperatingPoint
from edge_app.reading.decision import highest_threshold, is_positive, softmax
from train.evaluation.evaluation_sets import EvaluationSet
from train.evaluation.metrics import operating_point

HIGH_SENSITIVITY_RECALL = 0.98
WHO_TB_RECALL = 0.90  # of WHO's 90/70 target for tuberculosis triage: we borrow it
YOUDEN_TOLERANCE = 0.004
UNCERTAIN_SHARE = 0.05  # of the films of the last evaluation set that the band holds


@dataclass(frozen=True)
class Calibration:
    """What turns a model's logits into decisions."""

    temperature: float
    operating_points: dict[str, OperatingPoint]
    default_operating_point: str
    uncertainty_band: tuple[float, float]

    @property
    def default_threshold(self) -> float:
        """On P(finding), at the default operating point."""
        return self.operating_points[self.default_operating_point].threshold


def calibrate(sets: Sequence[EvaluationSet], logits: Mapping[str, np.ndarray]) -> Calibration:
    """Choose temperature, thresholds and uncertain band.

    Args:
        sets: the evaluation sets; the last has the most films.
        logits: float (films, classes), by the name of the set.
    """
    temperature = fit_temperature(logits[sets[-1].name], sets[-1].classes)
    scored = [(films.positive, films.p_finding(logits[films.name], temperature)) for films in sets]
    (positive, p_finding), draws = scored[-1], sets[-1].draws
    thresholds = {
        "balanced": balanced_threshold(scored),
        "high-sensitivity": recall_threshold(scored, HIGH_SENSITIVITY_RECALL),
        "who-tb-like": recall_threshold(scored, WHO_TB_RECALL),
    }
    return Calibration(
        temperature=temperature,
        operating_points={name: operating_point(positive, p_finding, at, draws) for name, at in thresholds.items()},
        default_operating_point="balanced",
        uncertainty_band=uncertain_band(p_finding, thresholds["balanced"]),
    )


def fit_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """The temperature with the lowest negative log-likelihood (Guo et al., ICML 2017)."""

    def loss(log_temperature: float) -> float:
        chosen = softmax(logits, float(np.exp(log_temperature)))[np.arange(len(classes)), classes]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def balanced_threshold(scored: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """The threshold whose worst Youden index (recall + specificity - 1) over all evaluation sets is highest.

    The index is nearly flat at its top and jumps with single films. So the middle of the thresholds
    within `YOUDEN_TOLERANCE` of the top is taken.

    Args:
        scored: for each evaluation set, positive bool (films,) and P(finding) float (films,).
    """
    thresholds = np.linspace(0.005, 0.995, 199)
    worst = np.min([[_youden(positive, p, at) for at in thresholds] for positive, p in scored], axis=0)
    return float(np.median(thresholds[worst >= worst.max() - YOUDEN_TOLERANCE]))


def _youden(positive: np.ndarray, p_finding: np.ndarray, threshold: float) -> float:
    called = is_positive(p_finding, threshold)
    return float(called[positive].mean() - called[~positive].mean())


def recall_threshold(scored: list[tuple[np.ndarray, np.ndarray]], recall: float) -> float:
    """The highest threshold at which this share of the positives is found on every evaluation set."""
    highest = []
    for positive, p_finding in scored:
        ranked = np.sort(p_finding[positive])
        highest.append(ranked[int(np.floor((1 - recall) * len(ranked)))])
    return float(np.clip(highest_threshold(min(highest)), 1e-6, 1 - 1e-6))


def uncertain_band(p_finding: np.ndarray, threshold: float) -> tuple[float, float]:
    """The films nearest to the threshold by rank, half of `UNCERTAIN_SHARE` on each side."""
    ranked = np.sort(p_finding)
    at = int(np.searchsorted(ranked, threshold))
    reach = max(1, round(UNCERTAIN_SHARE / 2 * len(ranked)))
    low = ranked[max(0, at - reach)]
    high = ranked[min(len(ranked) - 1, at + reach)]
    return float(min(low, threshold)), float(max(high, threshold))
