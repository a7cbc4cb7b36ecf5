"""From logits to an answer: temperature, softmax, threshold, uncertain band. All in float."""

from dataclasses import dataclass

import numpy as np

from edge_app.model.card import ModelCard


@dataclass(frozen=True)
class Decision:
    """`decision` is "pneumonia", "normal" or "uncertain"; probabilities are 0..1 and sum to 1.

    A model of other classes decides between its card's `finding` and `negative`, and `p_pneumonia` is
    its P(finding); `predict --json` names it so.
    """

    label: str
    probabilities: dict[str, float]
    p_pneumonia: float
    operating_point: str
    threshold: float
    decision: str


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities over the last axis; float64 of the shape of `logits`."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return scaled / scaled.sum(axis=-1, keepdims=True)


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
    p_pneumonia = float(1.0 - probabilities[card.negative_index])
    return Decision(
        label=card.labels[int(probabilities.argmax())],
        probabilities={label: float(p) for label, p in zip(card.labels, probabilities, strict=True)},
        p_pneumonia=p_pneumonia,
        operating_point=name,
        threshold=point.threshold,
        decision=_verdict(p_pneumonia, point.threshold, card),
    )


def _verdict(p_finding: float, threshold: float, card: ModelCard) -> str:
    """The band counts only where it holds the threshold in use: another point has its own doubts."""
    low, high = card.uncertainty_band
    if low <= threshold <= high and low <= p_finding <= high:
        return "uncertain"
    return card.finding if p_finding >= threshold else card.negative
