import dataclasses

import numpy as np
import pytest

from edge_app.errors import BundleError
from edge_app.model.bundle import Bundle
from edge_app.model.card import OperatingPoint
from edge_app.model.estimate import Estimate
from edge_app.reading.decision import (
    band_in_use,
    decide,
    highest_threshold,
    is_positive,
    is_uncertain,
    moved_band,
    share_with_such_score,
    softmax,
)

ANY = Estimate(0.9, 0.8, 0.95)


@pytest.fixture
def card(shipped: Bundle):
    return dataclasses.replace(
        shipped.card,
        temperature=2.0,
        operating_points={"balanced": OperatingPoint(0.5, ANY, ANY), "sensitive": OperatingPoint(0.2, ANY, ANY)},
        default_operating_point="balanced",
        uncertainty_band=(0.45, 0.55),
    )


def _logits(p_pneumonia: float) -> np.ndarray:
    """Logits that give this P(pneumonia) at temperature 2, all of it bacterial."""
    return np.array([0.0, 2 * np.log(p_pneumonia / (1 - p_pneumonia)), -1000.0])


def test_softmax_by_hand() -> None:
    # e^1 / (e^1 + e^0) = 0.731059 at temperature 2 for logits 2 and 0.
    assert softmax(np.array([2.0, 0.0]), 2.0) == pytest.approx([0.731059, 0.268941], abs=1e-6)


def test_huge_logits_do_not_overflow() -> None:
    assert softmax(np.array([1e6, 0.0]), 1.0) == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(
    ("p_pneumonia", "decision"),
    [
        (0.1, "normal"),
        (0.44, "normal"),
        (0.46, "uncertain"),
        (0.54, "uncertain"),
        (0.56, "pneumonia"),
        (0.9, "pneumonia"),
    ],
)
def test_band_lies_between_normal_and_pneumonia(card, p_pneumonia: float, decision: str) -> None:
    answer = decide(_logits(p_pneumonia), card)
    assert answer.p_finding == pytest.approx(p_pneumonia)
    assert answer.decision == decision


def test_band_of_one_threshold_does_not_blur_another(card) -> None:
    assert decide(_logits(0.5), card, "sensitive").decision == "pneumonia"


def test_the_band_in_use_is_where_decisions_are_uncertain(card) -> None:
    low, high = band_in_use(0.5, card.uncertainty_band)
    below, above = np.nextafter(low, 0), np.nextafter(high, 1)
    assert is_uncertain([below, low, high, above], 0.5, card.uncertainty_band).tolist() == [False, True, True, False]
    assert band_in_use(0.2, card.uncertainty_band) is None
    assert not is_uncertain([0.5], 0.2, card.uncertainty_band).any()


@pytest.mark.parametrize("p_finding", [0.1, 0.5, 0.9])
def test_the_highest_threshold_still_calls_the_film_and_none_above_it_does(p_finding: float) -> None:
    threshold = highest_threshold(p_finding)
    assert is_positive(p_finding, threshold)
    assert not is_positive(p_finding, np.nextafter(threshold, 1))


def test_probabilities_carry_their_labels_and_sum_to_one(card) -> None:
    answer = decide(np.array([0.0, 1.0, 3.0]), card)
    assert answer.label == "viral"
    assert list(answer.probabilities) == ["normal", "bacterial", "viral"]
    assert sum(answer.probabilities.values()) == pytest.approx(1.0)
    assert answer.p_finding == pytest.approx(1 - answer.probabilities["normal"])


def test_unknown_operating_point_is_refused_by_name(card) -> None:
    with pytest.raises(BundleError, match="no operating point 'lucky'; it has balanced, sensitive"):
        decide(np.zeros(3), card, "lucky")


def test_the_uncertain_band_moves_with_the_threshold_by_log_odds() -> None:
    # Log-odds of 0.2, 0.5 and 0.8 are -1.386, 0 and 1.386: the ends lie as far from 0.8 as before from 0.5.
    assert moved_band((0.2, 0.8), 0.5, 0.5) == pytest.approx((0.2, 0.8))
    assert moved_band((0.2, 0.8), 0.5, 0.8) == pytest.approx((0.5, 0.941176), abs=1e-6)
    assert moved_band((0.0, 1.0), 0.5, 0.9) == (0.0, 1.0)


def test_a_score_is_said_in_films_of_the_evaluation(card) -> None:
    bands = [{"from": 0, "to": 0.5, "films": 40, "finding": 2}, {"from": 0.5, "to": 1, "films": 50, "finding": 48}]
    told = dataclasses.replace(card, metrics={"score_bands": bands})
    assert [share_with_such_score(told, p).value for p in (0.0, 0.49, 0.7, 1.0)] == [0.05, 0.05, 0.96, 0.96]
    assert share_with_such_score(dataclasses.replace(card, metrics={}), 0.5) is None
