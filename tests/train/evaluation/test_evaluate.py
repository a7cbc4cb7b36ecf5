"""`train evaluate` on any films: figures that another tool computes again from the table, groups, reports."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, brier_score_loss, confusion_matrix, recall_score, roc_auc_score

from edge_app.imaging.phantom import phantom_png, write_phantom_set
from edge_app.model.bundle import Bundle
from train.__main__ import main
from train.evaluation.scored.figures import decision_curve


def _folder(root: Path, classes: dict[str, str], films: int = 12) -> Path:
    """One folder for each class; `classes` maps its name to what is drawn."""
    for number, (name, drawn_as) in enumerate(classes.items()):
        (root / name).mkdir(parents=True)
        for seed in range(films):
            (root / name / f"{name}{seed}.png").write_bytes(phantom_png(drawn_as, 500 + 100 * number + seed))
    return root


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _folder(tmp_path_factory.mktemp("elsewhere"), {"normal": "normal", "opacity": "bacterial"})


def _evaluated(capsys: Any, *words: object) -> dict[str, Any]:
    assert main(["evaluate", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def _table(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "predictions.csv").read_text(encoding="utf-8").splitlines()))


def _check_by_hand(figures: dict[str, Any], rows: list[dict[str, str]], negative: str) -> None:
    """The figures again by scikit-learn and SciPy, from the table alone."""
    rows = [row for row in rows if row["p_finding"]]
    positive = np.array([row["truth"] != negative for row in rows])
    p = np.array([float(row["p_finding"]) for row in rows])
    called = p >= float(rows[0]["threshold"])
    assert figures["films"] == len(rows)
    assert figures["auc"]["value"] == pytest.approx(roc_auc_score(positive, p), abs=1e-12)
    assert figures["auc"]["low"] <= figures["auc"]["value"] <= figures["auc"]["high"]
    assert figures["accuracy"]["value"] == accuracy_score(positive, called)
    assert figures["recall"]["value"] == recall_score(positive, called)
    assert figures["specificity"]["value"] == recall_score(~positive, ~called)
    assert figures["brier"] == pytest.approx(brier_score_loss(positive, p))
    for name, hits, of in (
        ("accuracy", called == positive, np.ones_like(positive)),
        ("recall", called & positive, positive),
        ("specificity", ~called & ~positive, ~positive),
    ):
        interval = binomtest(int(hits.sum()), int(of.sum())).proportion_ci(method="wilson")
        assert (figures[name]["low"], figures[name]["high"]) == pytest.approx((interval.low, interval.high))
    # DeLong's interval by its definition: the mean over all pairs, and the variances of its two margins.
    pairs = (p[positive][:, None] > p[~positive]) + 0.5 * (p[positive][:, None] == p[~positive])
    variance = sum(margin.var(ddof=1) / len(margin) for margin in (pairs.mean(axis=1), pairs.mean(axis=0)))
    expected = max(0.0, pairs.mean() - 1.959963984540054 * np.sqrt(variance))
    if pairs.all():  # nothing to measure a variance on
        expected = binomtest(min(pairs.shape), min(pairs.shape)).proportion_ci(method="wilson").low
    assert figures["auc"]["low"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", ["float", "bundle"])
def test_figures_are_those_that_another_tool_finds_in_the_table(
    tiny_run: Path, shipped: Bundle, phantoms: Path, tmp_path: Path, capsys: Any, kind: str
) -> None:
    model = tiny_run / "model.keras" if kind == "float" else shipped.path
    figures = _evaluated(capsys, model, "--data", phantoms, "--out", tmp_path / "out")
    rows = _table(tmp_path / "out")
    assert len(rows) == 72
    _check_by_hand(figures, rows, "normal")
    labels = ("normal", "bacterial", "viral")
    predicted = [max(labels, key=lambda label, row=row: float(row[f"p_{label}"])) for row in rows]
    truth = [row["truth"] for row in rows]
    assert figures["confusion"] == confusion_matrix(truth, predicted, labels=labels).tolist()
    assert sum(group["films"] for group in figures["by_class"].values()) == 72
    assert all(row["lungs_left"] for row in rows)
    assert bool([row for row in rows if row["refusal"]]) == bool(figures["refused_by_device"])
    assert set(figures["operating_points"]) == {"balanced", "high-sensitivity", "who-tb-like"}


@pytest.mark.parametrize("kind", ["float", "bundle"])
def test_model_of_three_classes_is_scored_on_films_of_two(
    tiny_run: Path, shipped: Bundle, two_classes: Path, tmp_path: Path, capsys: Any, kind: str
) -> None:
    model = tiny_run / "model.keras" if kind == "float" else shipped.path
    assert main(["evaluate", str(model), "--data", str(two_classes), "--out", str(tmp_path / "out"), "--json"]) == 0
    printed = capsys.readouterr()
    assert "scored is whether there is a finding" in printed.err
    figures = json.loads(printed.out)
    _check_by_hand(figures, _table(tmp_path / "out"), "normal")
    assert "confusion" not in figures
    assert {name: group["films"] for name, group in figures["by_class"].items()} == {"normal": 12, "opacity": 12}


def test_films_without_a_class_of_that_name_need_to_be_told_which_is_negative(
    tiny_run: Path, tmp_path: Path, capsys: Any
) -> None:
    films, model = _folder(tmp_path / "films", {"no": "normal", "yes": "viral"}, 8), tiny_run / "model.keras"
    assert main(["evaluate", str(model), "--data", str(films)]) == 1
    assert "has no class 'normal' for --normal; it has no, yes" in capsys.readouterr().err
    figures = _evaluated(capsys, model, "--data", films, "--negative", "no")
    assert figures["by_class"]["no"]["right"] == figures["specificity"]


def test_hospitals_are_scored_apart_and_two_models_are_compared_on_the_same_films(
    tiny_run: Path, shipped: Bundle, tmp_path: Path, capsys: Any
) -> None:
    sites = [tmp_path / name for name in ("north", "south")]
    for number, site in enumerate(sites):
        write_phantom_set(site, films_per_class=6, seed=number)
    data = [word for site in sites for word in ("--data", site)]
    model = tiny_run / "model.keras"
    figures = _evaluated(capsys, model, *data, "--against", shipped.path, "--out", tmp_path / "first")
    assert {name: group["films"] for name, group in figures["by_site"].items()} == {"north": 18, "south": 18}
    other = _evaluated(capsys, shipped.path, *data, "--out", tmp_path / "second")
    difference = figures["against"]["auc_difference"]
    assert difference["value"] == pytest.approx(figures["auc"]["value"] - other["auc"]["value"])
    assert difference["low"] <= difference["value"] <= difference["high"]
    right = [
        np.array([(float(row["p_finding"]) >= float(row["threshold"])) == (row["truth"] != "normal") for row in rows])
        for rows in (_table(tmp_path / "first"), _table(tmp_path / "second"))
    ]
    assert figures["against"]["only_first_right"] == int((right[0] & ~right[1]).sum())
    assert figures["against"]["only_second_right"] == int((~right[0] & right[1]).sum())
    assert "Compared with another model" in (tmp_path / "first/report.html").read_text()


def test_report_is_one_file_that_shows_no_film_unless_asked(
    tiny_run: Path, two_classes: Path, tmp_path: Path, capsys: Any
) -> None:
    words = (tiny_run / "model.keras", "--data", two_classes)
    _evaluated(capsys, *words, "--out", tmp_path / "plain")
    _evaluated(capsys, *words, "--out", tmp_path / "shown", "--thumbnails")
    plain, shown = ((tmp_path / name / "report.html").read_text() for name in ("plain", "shown"))
    assert not re.search(r'(src|href)="(?!data:)', plain + shown)
    assert plain.count("<img") == 1 < shown.count("<img"), "the plots alone"
    assert "do not pass this page on" in shown
    for words in ("The films most wrong", "opacity", "95% intervals", "ROC", "by the threshold probability"):
        assert words in plain
    for name in ("report.html", "predictions.csv"):
        assert (tmp_path / "plain" / name).stat().st_mode & 0o077 == 0


def test_film_that_cannot_be_read_is_in_the_table_with_its_reason(tiny_run: Path, tmp_path: Path, capsys: Any) -> None:
    films = _folder(tmp_path / "films", {"normal": "normal", "opacity": "viral"}, 6)
    (films / "opacity" / "cut.png").write_bytes(phantom_png("viral", 1)[:200])
    figures = _evaluated(capsys, tiny_run / "model.keras", "--data", films, "--out", tmp_path / "out")
    assert (figures["films"], figures["left_out"]) == (12, {"damaged": 1})
    (row,) = (row for row in _table(tmp_path / "out") if row["file"] == "cut.png")
    assert (row["truth"], row["p_finding"], row["refusal"]) == ("opacity", "", "damaged")


def test_results_are_not_overwritten_unasked(tiny_run: Path, two_classes: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "predictions.csv").write_text("mine")
    words = ["evaluate", str(tiny_run / "model.keras"), "--data", str(two_classes), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    assert "holds files already" in capsys.readouterr().err
    assert (tmp_path / "out" / "predictions.csv").read_text() == "mine"
    assert main([*words, "--overwrite"]) == 0
    assert _table(tmp_path / "out")


def test_every_run_holds_the_table_and_the_report_of_its_validation_films(tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text())
    _check_by_hand(metrics["judges"]["random"], _table(tiny_run), "normal")
    assert "validation films" in (tiny_run / "report.html").read_text()


def test_decision_curve_by_hand() -> None:
    """4 films, 2 with the finding; at .5 one is found and one called wrongly: (1 - 1 x 1) / 4 = 0, as for everyone."""
    curve = decision_curve(np.array([True, True, False, False]), np.array([0.9, 0.2, 0.6, 0.1]))
    at = {round(row["threshold"], 2): row for row in curve}
    assert (at[0.5]["model"], at[0.5]["everyone"]) == pytest.approx((0.0, 0.0))
    assert (at[0.2]["model"], at[0.2]["everyone"]) == pytest.approx(((2 - 0.25) / 4, (2 - 0.5) / 4))
    assert (at[0.75]["model"], at[0.75]["everyone"]) == pytest.approx((1 / 4, (2 - 3 * 2) / 4))
