"""Where the evidence lies: log-odds by place, from the class map of the same inference that decided."""

from dataclasses import dataclass

import numpy as np

# Log-odds that count as full evidence. The 95th percentile is 14 in films with pneumonia and
# 3 in normal films (own run, the model of 0.3.0).
FULL_EVIDENCE = 15.0
ONE_SIDE = 0.65  # share of the evidence from which it is said to lie on one side
ONE_THIRD = 0.5  # or in one third of the height
THIRDS = ("upper", "middle", "lower")


@dataclass(frozen=True)
class EvidencePlace:
    """Where most of the evidence lies in the lung field.

    `side` is the patient's: "right", "left" or "both"; `third` of the height: "upper", "middle", "lower"
    or "all".
    """

    side: str
    third: str


def evidence_map(class_map: np.ndarray, negative_index: int, temperature: float) -> np.ndarray:
    """How strongly each place of the model's input indicates pneumonia.

    Args:
        class_map: float32, shape (rows, columns, classes): logits by place. Their mean over rows and
            columns gave the decision.
    Returns:
        float64, shape (rows, columns), 0..1: the place's log-odds of pneumonia as a share of
        `FULL_EVIDENCE`; 0 where it indicates normal.
    """
    logits = class_map.astype(np.float64) / temperature
    others = np.logaddexp.reduce(np.delete(logits, negative_index, axis=-1), axis=-1)
    return np.clip((others - logits[..., negative_index]) / FULL_EVIDENCE, 0.0, 1.0)


def evidence_place(evidence: np.ndarray) -> EvidencePlace | None:
    """Say where most of the evidence lies, as a hint.

    Args:
        evidence: float (rows, columns), from `evidence_map`; the left of the picture is the patient's right.
    Returns:
        None where there is no evidence.
    """
    total = float(evidence.sum())
    if total <= 0:
        return None
    shares = evidence / total
    right = float(_parts(shares.sum(axis=0), 2)[0])
    thirds = _parts(shares.sum(axis=1), 3)
    side = "right" if right >= ONE_SIDE else "left" if right <= 1 - ONE_SIDE else "both"
    return EvidencePlace(side, THIRDS[int(thirds.argmax())] if thirds.max() >= ONE_THIRD else "all")


def _parts(profile: np.ndarray, count: int) -> np.ndarray:
    """Sums of equal parts of a profile; a cell that two parts share is divided between them."""
    ends = np.linspace(0, len(profile), count + 1)
    cumulated = np.concatenate([[0.0], np.cumsum(profile)])
    sums: np.ndarray = np.diff(np.interp(ends, np.arange(len(profile) + 1), cumulated))
    return sums
