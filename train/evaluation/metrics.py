"""Figures that judge a model, each with a 95% interval. Pneumonia is the positive class."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest, norm, rankdata
from sklearn.metrics import confusion_matrix, roc_auc_score

from edge_app.model.card import OperatingPoint
from edge_app.model.estimate import CONFIDENCE, Estimate, proportion
from edge_app.reading.decision import finding_probability, is_positive

CALIBRATION_BINS = 10


def roc_auc(positive: np.ndarray, scores: np.ndarray) -> Estimate:
    """Area under the ROC curve with DeLong's interval.

    Args:
        positive: bool (films,), with both values present.
        scores: float (films,), higher for pneumonia.
    Source: DeLong et al., Biometrics 44:837 (1988); fast form of Sun and Xu, IEEE SPL 21:1389 (2014).
    """
    placements = _placements(positive, scores)
    auc = float(placements[0].mean())
    variance = sum(float(part.var(ddof=1)) / len(part) for part in placements if len(part) > 1)
    margin = _margin(variance)
    return Estimate(auc, max(0.0, auc - margin), min(1.0, auc + margin))


def _placements(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each positive the share of negatives below it, for each negative that of positives above."""
    among_all = rankdata(scores)
    above = (among_all[positive] - rankdata(scores[positive])) / np.count_nonzero(~positive)
    below = 1 - (among_all[~positive] - rankdata(scores[~positive])) / np.count_nonzero(positive)
    return above, below


@dataclass(frozen=True)
class Figures:
    """How good a model is on some films, at one threshold on P(pneumonia)."""

    films: int
    threshold: float
    auc: Estimate
    accuracy: Estimate
    recall: Estimate
    specificity: Estimate
    precision: Estimate
    f1: float
    brier: float
    calibration_error: float
    class_accuracy: Estimate
    class_recall: dict[str, Estimate]
    class_auc: float  # macro, one class against the rest
    confusion: list[list[int]]  # rows are the truth, columns the answer, in the order of the labels


def score(
    classes: np.ndarray, probabilities: np.ndarray, labels: tuple[str, ...], negative: int, threshold: float
) -> Figures:
    """Judge probabilities against the truth.

    Args:
        classes: int (films,), index into `labels`; every class present.
        probabilities: float (films, classes).
        negative: index of the class without pneumonia.
    """
    positive = classes != negative
    p_pneumonia = finding_probability(probabilities, negative)
    called = is_positive(p_pneumonia, threshold)
    hits = int((called & positive).sum())
    answers = probabilities.argmax(axis=1)
    precision = proportion(hits, max(1, int(called.sum())))
    recall = proportion(hits, int(positive.sum()))
    return Figures(
        films=len(classes),
        threshold=threshold,
        auc=roc_auc(positive, p_pneumonia),
        accuracy=proportion(int((called == positive).sum()), len(classes)),
        recall=recall,
        specificity=proportion(int((~called & ~positive).sum()), int((~positive).sum())),
        precision=precision,
        f1=2 * hits / max(1, int(called.sum()) + int(positive.sum())),
        brier=float(np.mean((p_pneumonia - positive) ** 2)),
        calibration_error=calibration_error(positive, p_pneumonia),
        class_accuracy=proportion(int((answers == classes).sum()), len(classes)),
        class_recall={
            label: proportion(int((answers[classes == index] == index).sum()), int((classes == index).sum()))
            for index, label in enumerate(labels)
        },
        class_auc=float(np.mean([roc_auc_score(classes == index, p) for index, p in enumerate(probabilities.T)])),
        confusion=confusion_matrix(classes, answers, labels=range(len(labels))).tolist(),
    )


def calibration_error(positive: np.ndarray, p_pneumonia: np.ndarray) -> float:
    """Expected calibration error over bins of equal width, 0..1 (Guo et al., ICML 2017)."""
    bins = np.minimum((p_pneumonia * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [
        (bins == index).mean() * abs(positive[bins == index].mean() - p_pneumonia[bins == index].mean())
        for index in range(CALIBRATION_BINS)
        if (bins == index).any()
    ]
    return float(sum(gaps))


def operating_point(positive: np.ndarray, p_pneumonia: np.ndarray, threshold: float) -> OperatingPoint:
    """A threshold with the recall and specificity it gave on these films."""
    called = is_positive(p_pneumonia, threshold)
    return OperatingPoint(
        threshold=threshold,
        recall=proportion(int((called & positive).sum()), int(positive.sum())),
        specificity=proportion(int((~called & ~positive).sum()), int((~positive).sum())),
    )


def delong_paired(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[Estimate, float]:
    """Difference of two areas under the ROC curve on the same films, and the p value of it being none.

    Over several seeds it is the mean of the differences; the interval and p say how far that would
    scatter with other films, not with other seeds.

    Args:
        positive: bool (films,), with both values present, at least two films each.
        first, second: float (films,) or (seeds, films), scores of two models, higher for pneumonia.
    Returns:
        AUC of the first minus that of the second, with DeLong's interval, and his two-sided p.
    """
    seeds = zip(np.atleast_2d(first), np.atleast_2d(second), strict=True)
    differences = [_placement_differences(positive, one, other) for one, other in seeds]
    parts = [np.mean(part, axis=0) for part in zip(*differences, strict=True)]
    variance = sum(float(part.var(ddof=1)) / len(part) for part in parts)
    return _difference(float(parts[0].mean()), variance)


def _placement_differences(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> list[np.ndarray]:
    both = zip(_placements(positive, first), _placements(positive, second), strict=True)
    return [one - other for one, other in both]


def accuracy_difference(first: np.ndarray, second: np.ndarray) -> tuple[Estimate, float]:
    """Difference of two accuracies on the same films, its 95% interval and the p value of it being none.

    Args:
        first, second: bool (seeds, films), True where the model was right.
    """
    by_film = (first.astype(float) - second).mean(axis=0)
    return _difference(float(by_film.mean()), float(by_film.var(ddof=1)) / len(by_film))


def _difference(value: float, variance: float) -> tuple[Estimate, float]:
    """A difference with its normal interval and two-sided p."""
    margin = _margin(variance)
    p = float(2 * norm.sf(abs(value) / math.sqrt(variance))) if variance else float(value == 0)
    return Estimate(value, value - margin, value + margin), p


def _margin(variance: float) -> float:
    """Half the width of a normal interval."""
    return float(norm.ppf(0.5 + CONFIDENCE / 2)) * math.sqrt(variance)


def mcnemar_exact(first: np.ndarray, second: np.ndarray) -> float:
    """Exact p value of McNemar's test on paired right or wrong answers.

    Args:
        first, second: bool (films,), True where the model was right.
    """
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def plain(value: Any) -> Any:
    """A figure as JSON: estimates as objects, dataclasses by field."""
    import dataclasses

    return dataclasses.asdict(value)
