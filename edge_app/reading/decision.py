"""The decision rule: from logits to P(finding), and from P(finding) to a decision. All in float.

Every other room calls these functions; a test forbids their formulas anywhere else.
"""

import math
from dataclasses import dataclass

import numpy as np

from edge_app.model.card import ModelCard
from edge_app.model.estimate import Estimate, proportion


@dataclass(frozen=True)
class Decision:
    """The model's decision on one film.

    `decision` is `finding`, the card's negative class, or "uncertain": for the models that ship
    "pneumonia", "normal" or "uncertain". `p_finding` is P(finding), 0..1; `label` is the class with
    the highest of the `probabilities`, which sum to 1.
    """

    label: str
    probabilities: dict[str, float]
    p_finding: float
    operating_point: str
    threshold: float
    decision: str
    finding: str


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities over the last axis; float64 of the shape of `logits`."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return scaled / scaled.sum(axis=-1, keepdims=True)


def finding_probability(probabilities: np.ndarray, negative_index: int) -> np.ndarray:
    """P(finding): the sum over all classes except the negative one.

    Args:
        probabilities: float, shape (..., classes), summing to 1.
        negative_index: the class without the finding.
    Returns:
        float, shape (...), 0..1.
    """
    p_finding: np.ndarray = 1.0 - probabilities[..., negative_index]
    return p_finding


def p_finding(logits: np.ndarray, temperature: float, negative_index: int) -> np.ndarray:
    """P(finding) of logits, float (..., classes); see `softmax` and `finding_probability`."""
    return finding_probability(softmax(logits, temperature), negative_index)


def is_positive(p_finding: np.ndarray | float, threshold: np.ndarray | float) -> np.ndarray:
    """Whether each film has the finding; a film exactly at the threshold has. Bool, shape of `p_finding`."""
    return np.asarray(p_finding) >= threshold


def highest_threshold(p_finding: float) -> float:
    """The highest threshold at which a film with this P(finding) has the finding."""
    return p_finding


def band_in_use(threshold: float, band: tuple[float, float]) -> tuple[float, float] | None:
    """The ends of the uncertain band, both inside it, from the card's band.

    Returns:
        None where it does not apply: it was measured around one threshold, so it must contain the one in use.
    """
    low, high = band
    return band if low <= threshold <= high else None


def moved_band(band: tuple[float, float], measured_at: float, threshold: float) -> tuple[float, float]:
    """The uncertain band around another threshold: its ends keep their distances from it in log-odds.

    Args:
        band: as it was measured around the threshold `measured_at`.
        threshold: the one in use, between 0 and 1.
    """
    shift = _log_odds(threshold) - _log_odds(measured_at)
    low, high = (1 / (1 + math.exp(-_log_odds(end) - shift)) if 0 < end < 1 else end for end in band)
    return low, high


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def share_with_such_score(card: ModelCard, p_finding: float) -> Estimate | None:
    """Of evaluation films with about the same score, how many have the finding; None where the card does not say."""
    bands = card.metrics.get("score_bands", [])
    found = next((band for band in bands if band["from"] <= p_finding <= band["to"]), None)
    return proportion(found["finding"], found["films"]) if found else None


def is_uncertain(p_finding: np.ndarray | float, threshold: float, band: tuple[float, float]) -> np.ndarray:
    """Whether each film falls into the uncertain band, if that applies. Bool, shape of `p_finding`."""
    low, high = band_in_use(threshold, band) or (np.inf, -np.inf)
    return (np.asarray(p_finding) >= low) & (np.asarray(p_finding) <= high)


def score_points(probability: float) -> int:
    """A probability, 0..1, as the score of 0 to 100 that readers see."""
    return round(100 * probability)


def rule_in_words(card: ModelCard) -> str:
    """How the card's model decides, in one sentence."""
    low, high = card.uncertainty_band
    return (
        f"P({card.finding}) is 1 - P({card.negative}); from the threshold on the decision is {card.finding}, below it "
        f"{card.negative}, and from {low:.3f} to {high:.3f} uncertain."
    )


def decide(logits: np.ndarray, card: ModelCard, operating_point: str | None = None) -> Decision:
    """Apply the card's temperature, threshold and uncertain band.

    Args:
        logits: float, shape (classes,), in the order of the card's labels.
        operating_point: a name from the card; its default when left out.
    Raises:
        BundleError: the card has no such operating point.
    """
    name, point = card.operating_point(operating_point)
    probabilities = softmax(logits, card.temperature)
    p_finding = float(finding_probability(probabilities, card.negative_index))
    return Decision(
        label=card.labels[int(probabilities.argmax())],
        probabilities={label: float(p) for label, p in zip(card.labels, probabilities, strict=True)},
        p_finding=p_finding,
        operating_point=name,
        threshold=point.threshold,
        decision=_verdict(p_finding, point.threshold, card),
        finding=card.finding,
    )


def _verdict(p_finding: float, threshold: float, card: ModelCard) -> str:
    if is_uncertain(p_finding, threshold, card.uncertainty_band):
        return "uncertain"
    return card.finding if is_positive(p_finding, threshold) else card.negative
