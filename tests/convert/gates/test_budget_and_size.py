"""The parity budget knows how many films it is measured on: strict on many, and on few it refuses nothing for noise."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from convert.gates.parity import Parity, compare
from convert.options import Budget
from edge_app.model.bundle import Bundle
from edge_app.model.estimate import Estimate
from train.data.labelled import LabelledFilm
from train.data.loading import LoadedFilms
from train.evaluation.floor import NO_FLOOR, Floor, few_films
from train.evaluation.metrics import delong_paired

ALWAYS = Estimate(0.0, 0.0, 0.0)


def _films(sick: int, healthy: int) -> LoadedFilms:
    classes = np.array([1] * sick + [0] * healthy)
    films = tuple(LabelledFilm(f"{row}", "viral", f"{row}", np.zeros((1, 1))) for row in range(len(classes)))
    return LoadedFilms(
        films, np.zeros((len(classes), 1, 1), np.uint8), classes, ("",) * len(films), (None,) * len(films)
    )


def _outputs(scores: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of a model whose P(pneumonia) rises with these scores; at 0 it lies at the threshold .5."""
    logits = np.stack([np.zeros(len(scores)), scores, np.full(len(scores), -50.0)], axis=1).astype(np.float32)
    return {"logits": logits, "class_map": logits[:, None, None, :] + np.float32([0, 0, 0.1])}


@pytest.fixture(scope="module")
def card(shipped: Bundle) -> Any:
    point = dataclasses.replace(shipped.card.operating_point()[1], threshold=0.5)
    points = {shipped.card.default_operating_point: point}
    return dataclasses.replace(shipped.card, operating_points=points, temperature=1.0)


def _parity(card: Any, films: LoadedFilms, scores: np.ndarray, changed: np.ndarray, **more: Any) -> Parity:
    options = {"budget": Budget(), "floor": NO_FLOOR} | more
    return compare(_outputs(scores), _outputs(changed), films, card, "here", **options)


def _scores(films: LoadedFilms) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, len(films.classes)) + np.where(films.classes, 2.0, -2.0)


def test_few_films_do_not_refuse_a_file_for_half_a_pair(card: Any) -> None:
    """AUC falls by .0123, one pair of 81, and no decision changes: until 0.4.0 a refusal."""
    films = _films(9, 9)
    scores = np.concatenate([np.arange(1.0, 10.0), -np.arange(1.0, 10.0)])
    scores[[0, 9]] = 0.9, 0.8  # the sick one above the healthy one, which is called sick anyway
    changed = scores.copy()
    changed[0] = 0.7
    parity = _parity(card, films, scores, changed)
    assert parity.float_model.auc - parity.converted.auc == pytest.approx(1 / 81)
    assert (parity.flips, parity.failures) == ((), ())
    assert parity.note.startswith("only 18 validation films, 9 with the finding: one film is 5.6% of them")
    assert _parity(card, films, scores, changed, budget=Budget(auc=0)).failures, "a budget of 0 is 0"


def test_one_decision_of_few_may_change_and_two_may_not(card: Any) -> None:
    films = _films(20, 20)
    scores, changed = np.where(films.classes, 3.0, -3.0) + np.arange(40) / 100, None
    for flips, refused in ((1, False), (2, True)):
        changed = scores.copy()
        changed[-flips:] = 0.5
        assert bool(_parity(card, films, scores, changed).failures) == refused


def test_collapsed_file_is_refused_on_few_films_too(card: Any) -> None:
    films = _films(9, 9)
    failures = _parity(card, films, _scores(films), np.full(18, 0.1)).failures
    assert any("AUC falls by" in failure for failure in failures)


def test_gate_on_as_many_films_as_the_real_set_is_as_strict_as_it_was(card: Any) -> None:
    """790 films, 587 with pneumonia: a loss above the budget is refused even inside its own interval."""
    films = _films(587, 203)
    scores = np.where(films.classes, 3.0, -3.0) + np.linspace(0, 1, 790)
    worse = scores.copy()
    worse[:2] = -9.0  # two of 587 fall below every healthy film
    loss, _ = delong_paired(films.classes == 1, scores, worse)
    assert (loss.value, loss.low < 0) == (pytest.approx(2 / 587), True)
    parity = _parity(card, films, scores, worse, budget=Budget(recall_films=2))
    assert (parity.note, parity.failures) == ("", ("AUC falls by 0.0034, 0.003 allowed",))
    for missed in (3, 4):  # .005 of 790 films is 3.95
        changed = scores.copy()
        changed[:missed] = -0.01
        failures = _parity(card, films, scores, changed, budget=Budget(recall_films=9)).failures
        assert failures == (() if missed == 3 else ("accuracy falls by 0.0051, 0.005 allowed",))


def test_shipped_file_still_passes_the_gate_and_the_floor(shipped: Bundle) -> None:
    from convert.gates.parity import Side, _with_failures

    names = {field.name for field in dataclasses.fields(Parity)}
    for found in shipped.card.parity["runtimes"].values():
        sides = {name: Side(**found[name]) for name in ("float_model", "converted")}
        fields = {name: value for name, value in found.items() if name in names}
        parity = Parity(**fields | sides | {"flips": (None,) * found["flips"], "failures": ()})
        lost = sides["float_model"].auc - sides["converted"].auc
        strict = Budget(**shipped.card.parity["budget"])
        assert _with_failures(parity, 587, Estimate(lost, lost, lost), strict, Floor()).failures == ()
        worse = dataclasses.replace(parity, films_missed_more=2)
        assert _with_failures(worse, 587, ALWAYS, strict, Floor()).failures == ("misses 2 more films, 1 allowed",)


def test_file_below_the_floor_is_refused(card: Any) -> None:
    films = _films(300, 300)
    scores = -_scores(films)
    failures = _parity(card, films, scores, scores, floor=Floor()).failures
    assert [failure.split()[0] for failure in failures] == ["auc", "recall", "specificity"]


@pytest.mark.parametrize(
    ("sick", "healthy", "few"), [(587, 203, False), (100, 100, False), (500, 99, True), (9, 9, True)]
)
def test_size_that_is_too_small_is_said(sick: int, healthy: int, few: bool) -> None:
    assert bool(few_films(np.array([True] * sick + [False] * healthy))) == few
