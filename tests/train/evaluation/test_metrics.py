import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from edge_app.model.estimate import Estimate
from edge_app.reading.decision import softmax
from train.data.labelled import Classes
from train.evaluation.evaluation_sets import EvaluationSet
from train.evaluation.metrics import (
    accuracy_difference,
    calibration_error,
    delong_paired,
    mcnemar_exact,
    roc_auc,
    score,
)
from train.evaluation.operating_points import (
    balanced_threshold,
    calibrate,
    fit_temperature,
    recall_threshold,
    uncertain_band,
)


def test_auc_is_sklearns_and_its_interval_is_delongs() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(300) < 0.4
    scores = np.round(positive + rng.normal(0, 1, 300), 1)  # with ties
    estimate = roc_auc(positive, scores)
    assert estimate.value == pytest.approx(roc_auc_score(positive, scores))
    bootstrap = []
    for _ in range(400):
        rows = rng.integers(0, 300, 300)
        bootstrap.append(roc_auc_score(positive[rows], scores[rows]))
    low, high = np.percentile(bootstrap, [2.5, 97.5])
    assert estimate.low == pytest.approx(low, abs=0.015)
    assert estimate.high == pytest.approx(high, abs=0.015)


def test_versions_of_one_film_make_no_interval_narrower() -> None:
    rng = np.random.default_rng(2)
    classes = rng.integers(0, 3, 90)
    probabilities = softmax(rng.normal(0, 1, (90, 3)) + 1.5 * np.eye(3)[classes], 1.0)
    labels = Classes(("normal", "bacterial", "viral"), "normal")
    once = score(classes, probabilities, labels, 0.5)
    three = score(np.tile(classes, 3), np.tile(probabilities, (3, 1)), labels, 0.5, draws=3)
    for figure in ("auc", "accuracy", "recall", "specificity", "precision", "class_accuracy"):
        for end in ("value", "low", "high"):
            assert getattr(getattr(three, figure), end) == pytest.approx(getattr(getattr(once, figure), end))


def test_few_films_in_perfect_order_do_not_prove_perfection() -> None:
    positive = np.array([True, True, False, False, False])
    estimate = roc_auc(positive, np.array([0.9, 0.8, 0.3, 0.2, 0.1]))
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.342, abs=0.001)  # Wilson's, of 2 in 2


def test_mcnemar_by_hand() -> None:
    # 1 film only the first model got right, 5 only the second: 2 * (C(6,0) + C(6,1)) / 2**6 = 0.21875.
    first = np.array([True] * 1 + [False] * 5 + [True] * 10)
    second = np.array([False] * 1 + [True] * 5 + [True] * 10)
    assert mcnemar_exact(first, second) == pytest.approx(0.21875)
    assert mcnemar_exact(first, first) == 1.0


def test_score_by_hand() -> None:
    # Truth: 2 normal, 2 bacterial, 1 viral. Called pneumonia at 0.5: films 1, 2, 3 (0-based), so one
    # false alarm, one missed film (the viral one).
    classes = np.array([0, 0, 1, 1, 2])
    probabilities = np.array([[0.9, 0.1, 0], [0.4, 0.5, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.7, 0.1, 0.2]])
    figures = score(classes, probabilities, Classes(("normal", "bacterial", "viral"), "normal"), threshold=0.5)
    assert figures.recall.value == pytest.approx(2 / 3)
    assert figures.specificity.value == pytest.approx(1 / 2)
    assert figures.precision.value == pytest.approx(2 / 3)
    assert figures.f1 == pytest.approx(2 / 3)
    assert figures.accuracy.value == pytest.approx(3 / 5)
    assert figures.class_accuracy.value == pytest.approx(2 / 5)
    assert figures.confusion == [[1, 1, 0], [0, 1, 1], [1, 0, 0]]
    assert figures.brier == pytest.approx((0.1**2 + 0.6**2 + 0.2**2 + 0.1**2 + 0.7**2) / 5)


def test_calibration_error_by_hand() -> None:
    # Ten films at 0.85 of which 5 are positive: off by 0.35.
    assert calibration_error(np.array([True, False] * 5), np.full(10, 0.85)) == pytest.approx(0.35)


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    classes = np.array([rng.choice(3, p=p) for p in softmax(logits, 1.0)])
    assert fit_temperature(3.0 * logits, classes) == pytest.approx(3.0, rel=0.05)


def test_balanced_threshold_does_well_on_every_evaluation_set() -> None:
    # By hand: the first set is separated perfectly between 0.2 and 0.6, the second between 0.4 and
    # 0.8; only 0.4 to 0.6 does for both, and the middle is 0.5.
    first = (np.array([False, True]), np.array([0.2, 0.6]))
    second = (np.array([False, True]), np.array([0.4, 0.8]))
    assert balanced_threshold([first, second]) == pytest.approx(0.5, abs=0.01)
    assert balanced_threshold([first]) == pytest.approx(0.4, abs=0.01)


def test_recall_threshold_keeps_the_recall_on_every_evaluation_set() -> None:
    p = np.linspace(0.01, 0.99, 99)
    positive = np.ones(99, dtype=bool)
    low, high = (positive, p / 2), (positive, p)
    for recall in (0.98, 0.90):
        assert (p >= recall_threshold([high], recall)).mean() >= recall
        assert recall_threshold([low, high], recall) == recall_threshold([low], recall)


def test_uncertain_band_holds_the_threshold_and_its_share_of_films() -> None:
    p = np.linspace(0, 1, 1001)
    low, high = uncertain_band(p, 0.5)
    assert low <= 0.5 <= high
    assert ((p >= low) & (p <= high)).mean() == pytest.approx(0.05, abs=0.005)


def test_calibration_gives_the_named_operating_points() -> None:
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 3, 600)
    logits = rng.normal(0, 1, (600, 3)) + 2.5 * np.eye(3)[classes]
    calibration = calibrate([EvaluationSet("random", np.empty(0), classes, negative_index=0)], {"random": logits})
    assert set(calibration.operating_points) == {"balanced", "high-sensitivity", "who-tb-like"}
    assert calibration.operating_points["high-sensitivity"].recall.value >= 0.98
    assert calibration.operating_points["who-tb-like"].recall.value >= 0.90


def test_delong_paired_by_hand() -> None:
    """Three positives and three negatives; placements counted by hand."""
    positive = np.array([True, True, True, False, False, False])
    first = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1])  # every pair in order: placements 1
    second = np.array([0.9, 0.8, 0.2, 0.7, 0.2, 0.1])  # positives 1, 1, 0.5; negatives 2/3, 5/6, 1
    difference, p = delong_paired(positive, first, second)
    assert difference.value == pytest.approx(1 / 6)
    variance = np.var([0, 0, 0.5], ddof=1) / 3 + np.var([1 / 3, 1 / 6, 0], ddof=1) / 3
    assert p == pytest.approx(math.erfc(1 / 6 / math.sqrt(variance) / math.sqrt(2)))
    assert difference.high == pytest.approx(1 / 6 + 1.959964 * math.sqrt(variance))
    assert delong_paired(positive, first, first) == (Estimate(0, 0, 0), 1.0)
    halved, same_p = delong_paired(positive, np.stack([first, first]), np.stack([second, first]))
    assert halved.value == pytest.approx(1 / 12)
    assert same_p == pytest.approx(p)  # half the difference, half the error


def test_accuracy_difference_by_hand() -> None:
    """Of four films the first model is right alone on two with one seed, on one with the other."""
    first = np.array([[True, True, True, False], [True, True, False, False]])
    second = np.array([[False, False, True, False], [False, True, False, False]])
    difference, p = accuracy_difference(first, second)
    assert difference.value == pytest.approx(3 / 8)
    error = math.sqrt(np.var([1, 0.5, 0, 0], ddof=1) / 4)
    assert (difference.low, difference.high) == pytest.approx((3 / 8 - 1.959964 * error, 3 / 8 + 1.959964 * error))
    assert p == pytest.approx(math.erfc(3 / 8 / error / math.sqrt(2)))
