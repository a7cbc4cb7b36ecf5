"""The figures of scored films: of all, by class, hospital and age, at other thresholds, and what they are worth."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from edge_app.model.estimate import proportion
from edge_app.reading.decision import highest_threshold, is_positive
from train.evaluation.metrics import CALIBRATION_BINS, roc_auc, score, score_finding
from train.evaluation.paired import Pair, paired_tests
from train.evaluation.scored.films import ScoredFilms

AGE_BANDS = ((0, 1, "under 1"), (1, 6, "1 to 5"), (6, 18, "6 to 17"), (18, 200, "18 and over"))  # years
DECISIONS_AT = np.arange(1, 20) / 20  # threshold probabilities of the decision curve
RECALL_ASKED_FOR = 0.98


def overall(scored: ScoredFilms) -> dict[str, Any]:
    """The figures on all films at the threshold, also by class where films and model have the same classes."""
    if scored.truth is None:
        return asdict(score_finding(scored.positive, scored.p_finding, scored.threshold))
    return asdict(score(scored.truth, scored.probabilities, scored.classes, scored.threshold))


def figures_of(scored: ScoredFilms, on_all: Mapping[str, Any], points: Mapping[str, float]) -> dict[str, Any]:
    """Every figure, with its 95% interval where it has one.

    Args:
        on_all: from `overall`.
        points: thresholds on P(finding) by name, 0..1.
    """
    positive, p = scored.positive, scored.p_finding
    ages = [_age_band(age) for age in scored.ages]
    return {
        **on_all,
        "by_class": _by_class(scored),
        "by_site": _by_group(scored, [film.site for film in scored.films]),
        "by_age": _by_group(scored, ages),
        "operating_points": {name: _at(scored, threshold) for name, threshold in points.items()},
        "thresholds_of_these_films": _chosen_here(scored),
        "calibration": calibration_bins(positive, p),
        "decision_curve": decision_curve(positive, p),
        **scored.counted(),
    }


def _by_class(scored: ScoredFilms) -> dict[str, dict[str, Any]]:
    """Of each class of the films: how many, and the share on which the decision is right, at the threshold."""
    right = scored.called == scored.positive
    labels = np.array([film.label for film in scored.films])
    return {
        str(label): {
            "films": int((labels == label).sum()),
            "right": asdict(proportion(int(right[labels == label].sum()), int((labels == label).sum()))),
        }
        for label in sorted(set(labels), key=lambda label: (label != scored.films_negative, label))
    }


def _by_group(scored: ScoredFilms, groups: list[str]) -> dict[str, dict[str, Any]]:
    """The figures of each group of films; one without films of both kinds has only those that it can have."""
    names = np.array(groups)
    return {str(name): _of_rows(scored, names == name) for name in sorted(set(groups)) if name}


def _of_rows(scored: ScoredFilms, rows: np.ndarray) -> dict[str, Any]:
    positive, p = scored.positive[rows], scored.p_finding[rows]
    found: dict[str, Any] = {"films": len(positive), "with_finding": int(positive.sum())}
    if 0 < positive.sum() < len(positive):
        found["auc"] = asdict(roc_auc(positive, p))
    return found | _decisions(positive, is_positive(p, scored.threshold))


def _decisions(positive: np.ndarray, called: np.ndarray) -> dict[str, Any]:
    sick, healthy = int(positive.sum()), int((~positive).sum())
    found = {"accuracy": asdict(proportion(int((called == positive).sum()), len(positive)))}
    if sick:
        found["recall"] = asdict(proportion(int((called & positive).sum()), sick))
    if healthy:
        found["specificity"] = asdict(proportion(int((~called & ~positive).sum()), healthy))
    return found


def _age_band(age_years: float | None) -> str:
    return next((name for low, high, name in AGE_BANDS if age_years is not None and low <= age_years < high), "")


def _at(scored: ScoredFilms, threshold: float) -> dict[str, Any]:
    """What a threshold gives on these films."""
    return {"threshold": threshold} | _decisions(scored.positive, is_positive(scored.p_finding, threshold))


def _chosen_here(scored: ScoredFilms) -> dict[str, Any]:
    """What thresholds chosen on these very films would have given: flattering, and the most that any can give."""
    positive, p = scored.positive, scored.p_finding
    candidates = np.unique(p)
    worth = [is_positive(p[positive], at).mean() - is_positive(p[~positive], at).mean() for at in candidates]
    ranked = np.sort(p[positive])
    for_recall = highest_threshold(float(ranked[int(np.floor((1 - RECALL_ASKED_FOR) * len(ranked)))]))
    return {
        "best recall + specificity": _at(scored, float(candidates[int(np.argmax(worth))])),
        f"recall of {RECALL_ASKED_FOR:.0%}": _at(scored, for_recall),
    }


def calibration_bins(positive: np.ndarray, p_finding: np.ndarray) -> list[dict[str, float]]:
    """By tenth of the films in the order of P(finding): its mean, and the share that has the finding."""
    parts = np.array_split(np.argsort(p_finding, kind="stable"), min(CALIBRATION_BINS, len(p_finding)))
    return [
        {"films": len(rows), "mean_p": float(p_finding[rows].mean()), "share": float(positive[rows].mean())}
        for rows in parts
    ]


def decision_curve(positive: np.ndarray, p_finding: np.ndarray) -> list[dict[str, float]]:
    """Net benefit of acting on the model, and of treating everyone (Vickers and Elkin, Med Decis Making 26:565, 2006).

    At a threshold probability one true positive is worth as much as (1 - t) / t false ones; treating no one is 0.
    """
    films, rows = len(positive), []
    for at in DECISIONS_AT:
        called, price = is_positive(p_finding, at), at / (1 - at)
        model = ((called & positive).sum() - price * (called & ~positive).sum()) / films
        everyone = (positive.sum() - price * (~positive).sum()) / films
        rows.append({"threshold": float(at), "model": float(model), "everyone": float(everyone)})
    return rows


def compared(first: ScoredFilms, second: ScoredFilms) -> dict[str, Any]:
    """Paired tests of two models on the films that both scored; see `train.evaluation.paired`."""
    places = {id(film): row for row, film in enumerate(second.films)}
    rows = [(row, places[id(film)]) for row, film in enumerate(first.films) if id(film) in places]
    ours, theirs = (np.array(side) for side in zip(*rows, strict=True))
    positive = first.positive[ours]
    scores, others = ({"films": (positive, each.p_finding[at])} for each, at in ((first, ours), (second, theirs)))
    (tests,) = paired_tests({}, [Pair(0, scores, others, first.threshold, second.threshold)], len(rows))
    (one,) = tests.pop("by_seed")
    only = {name: one[name] for name in ("only_first_right", "only_second_right", "mcnemar_p")}
    return {name: value for name, value in tests.items() if name != "judge"} | only


def most_wrong(scored: ScoredFilms, count: int) -> list[int]:
    """Rows of the wrongly called films, the furthest from the threshold first."""
    wrong = np.flatnonzero(scored.called != scored.positive)
    distance: Iterable[float] = np.abs(scored.p_finding[wrong] - scored.threshold)
    return [int(row) for _, row in sorted(zip(distance, wrong, strict=True), reverse=True)[:count]]
