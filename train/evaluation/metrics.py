"""The figures of a model, each with a 95% interval. A film is positive if it has the finding."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm, rankdata
from sklearn.metrics import confusion_matrix, roc_auc_score

from edge_app.model.card import OperatingPoint
from edge_app.model.estimate import CONFIDENCE, Estimate, proportion
from edge_app.reading.decision import finding_probability, is_positive
from train.data.labelled import Classes

CALIBRATION_BINS = 10


def roc_auc(positive: np.ndarray, scores: np.ndarray, draws: int = 1) -> Estimate:
    """Area under the ROC curve with DeLong's interval; that of `proportion` where no two films are ranked wrongly.

    Args:
        positive: bool (films,), with both values present.
        scores: float (films,), higher for the finding.
        draws: how often the same films come, one round after the other; the interval is that of the films.
    Source: DeLong et al., Biometrics 44:837 (1988); fast form of Sun and Xu, IEEE SPL 21:1389 (2014).
    """
    placements = [part.reshape(draws, -1).mean(axis=0) for part in _placements(positive, scores)]
    auc = float(placements[0].mean())
    if auc in (0.0, 1.0):
        fewer = min(map(len, placements))
        return proportion(round(auc) * fewer, fewer)
    margin = _margin(sum(float(part.var(ddof=1)) / len(part) for part in placements if len(part) > 1))
    return Estimate(auc, max(0.0, auc - margin), min(1.0, auc + margin))


def _placements(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each positive the share of negatives below it, for each negative that of positives above."""
    among_all = rankdata(scores)
    above = (among_all[positive] - rankdata(scores[positive])) / np.count_nonzero(~positive)
    below = 1 - (among_all[~positive] - rankdata(scores[~positive])) / np.count_nonzero(positive)
    return above, below


@dataclass(frozen=True)
class FindingFigures:
    """How well a model tells films with the finding from those without, at one threshold on P(finding)."""

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


@dataclass(frozen=True)
class Figures(FindingFigures):
    """The same, and how well it tells the classes."""

    class_accuracy: Estimate
    class_recall: dict[str, Estimate]
    class_auc: float  # macro, one class against the rest
    confusion: list[list[int]]  # rows are the truth, columns the prediction, in the order of the labels


def score(truth: np.ndarray, probabilities: np.ndarray, classes: Classes, threshold: float, draws: int = 1) -> Figures:
    """Compare a model's probabilities with the truth.

    Args:
        truth: int (films,), index into `classes.labels`; every class present.
        probabilities: float (films, classes), 0..1.
        threshold: on P(finding), 0..1.
        draws: as for `roc_auc`.
    """
    predictions = probabilities.argmax(axis=1)
    p_finding = finding_probability(probabilities, classes.negative_index)
    return Figures(
        **vars(score_finding(truth != classes.negative_index, p_finding, threshold, draws)),
        class_accuracy=proportion((predictions == truth).sum(), len(truth), draws),
        class_recall={
            label: proportion((predictions[truth == index] == index).sum(), (truth == index).sum(), draws)
            for index, label in enumerate(classes.labels)
        },
        class_auc=float(np.mean([roc_auc_score(truth == index, p) for index, p in enumerate(probabilities.T)])),
        confusion=confusion_matrix(truth, predictions, labels=range(len(classes.labels))).tolist(),
    )


def score_finding(positive: np.ndarray, p_finding: np.ndarray, threshold: float, draws: int = 1) -> FindingFigures:
    """Compare P(finding) with the truth, whatever the classes.

    Args:
        positive: bool (films,), with both values present.
        p_finding: float (films,), 0..1.
        threshold: 0..1.
        draws: as for `roc_auc`.
    """
    called = is_positive(p_finding, threshold)
    hits = int((called & positive).sum())
    at = operating_point(positive, p_finding, threshold, draws)
    return FindingFigures(
        films=len(positive),
        threshold=threshold,
        auc=roc_auc(positive, p_finding, draws),
        accuracy=proportion((called == positive).sum(), len(positive), draws),
        recall=at.recall,
        specificity=at.specificity,
        precision=proportion(hits, max(1, called.sum()), draws),
        f1=2 * hits / max(1, int(called.sum()) + int(positive.sum())),
        brier=float(np.mean((p_finding - positive) ** 2)),
        calibration_error=calibration_error(positive, p_finding),
    )


def calibration_error(positive: np.ndarray, p_finding: np.ndarray) -> float:
    """Expected calibration error over bins of equal width, 0..1 (Guo et al., ICML 2017)."""
    bins = np.minimum((p_finding * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [
        (bins == index).mean() * abs(positive[bins == index].mean() - p_finding[bins == index].mean())
        for index in range(CALIBRATION_BINS)
        if (bins == index).any()
    ]
    return float(sum(gaps))


def operating_point(positive: np.ndarray, p_finding: np.ndarray, threshold: float, draws: int = 1) -> OperatingPoint:
    """A threshold with the recall and specificity it gave on these films; `draws` as for `roc_auc`."""
    called = is_positive(p_finding, threshold)
    return OperatingPoint(
        threshold=threshold,
        recall=proportion((called & positive).sum(), positive.sum(), draws),
        specificity=proportion((~called & ~positive).sum(), (~positive).sum(), draws),
    )


def delong_paired(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[Estimate, float]:
    """Difference of two areas under the ROC curve on the same films, and its p value.

    Over several seeds it is the mean of the differences. The interval and p then describe the scatter
    over other films, not over other seeds.

    Args:
        positive: bool (films,), with both values present, at least two films each.
        first, second: float (films,) or (seeds, films), scores of two models, higher for the finding.
    Returns:
        AUC of the first minus that of the second, with DeLong's interval, and its two-sided p value.
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
    """Difference of two accuracies on the same films with its 95% interval, and its p value.

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
    """Exact p value of McNemar's test on two models that are each right or wrong about the same films.

    Args:
        first, second: bool (films,), True where the model was right.
    """
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)
