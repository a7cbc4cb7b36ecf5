"""Films of several hospitals: kept apart, sampled equally, one left out, and why they are needed."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.hospitals import HospitalOptions, compare_hospitals
from edge_app.errors import DataError
from edge_app.imaging.phantom import phantom_png, write_phantom_set
from edge_app.model.preparation import Preparation
from train.__main__ import main
from train.data.hospitals import balanced_weights, epoch_rows
from train.data.layouts.phantoms import write_hospital
from train.data.loading import load_films
from train.data.sources import find_data
from train.data.split import TEST, TRAIN, VALIDATION, SplitRule, split_films
from train.training.fit import FitOptions, fit


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two hospitals whose patients have the same names."""
    folder = tmp_path_factory.mktemp("hospitals")
    write_phantom_set(folder / "north", films_per_class=12)
    write_phantom_set(folder / "south", films_per_class=12, seed=1)
    return str(folder / "north"), str(folder / "south")


def test_patients_of_one_name_at_two_hospitals_are_two(two) -> None:
    data = find_data(two)
    assert data.name == "north+south"
    assert {film.site for film in data.films} == {"north", "south"}
    patients = {film.patient for film in data.films}
    assert {"north/IM-0000", "south/IM-0000"} <= patients
    assert len(patients) == 2 * 3 * 6


def test_manifest_says_the_hospital_only_where_there_are_several(two) -> None:
    for argument, several in ((two, True), (two[0], False), ([two[0]], False)):
        data = find_data(argument)
        manifest = split_films(load_films(data, Preparation(32)), data.name, data.labels, SplitRule())
        assert all(("site" in film) == several for film in manifest.films)


def test_every_hospital_is_in_training_and_validation(two) -> None:
    data = find_data(two)
    manifest = split_films(load_films(data, Preparation(32)), data.name, data.labels, SplitRule())
    for part in (TRAIN, VALIDATION):
        cells = {(film["site"], film["label"]) for film in manifest.films if film["part"] == part}
        assert len(cells) == 2 * 3


def test_hospitals_of_one_name_or_of_other_classes_are_refused(two, tmp_path: Path) -> None:
    write_phantom_set(tmp_path / "north", films_per_class=2)
    with pytest.raises(DataError, match="rename a folder"):
        find_data([two[0], str(tmp_path / "north")])
    for name in ("normal", "fracture"):
        (tmp_path / "bones" / name).mkdir(parents=True)
        (tmp_path / "bones" / name / "a.png").write_bytes(phantom_png("normal", 1))
    with pytest.raises(DataError, match="need the same"):
        find_data([two[0], str(tmp_path / "bones")])


def test_class_that_one_hospital_lacks_is_reported(two, tmp_path: Path, caplog) -> None:
    write_phantom_set(tmp_path / "west", films_per_class=2, labels=("normal", "bacterial"))
    assert find_data([two[0], str(tmp_path / "west")]).labels == ("normal", "bacterial", "viral")
    assert "west has no film of class viral" in caplog.text


def test_left_out_hospital_is_the_test_part_and_nothing_else(two) -> None:
    data = find_data(two)
    rule = SplitRule("leave-one-source-out", held_out="south")
    manifest = split_films(load_films(data, Preparation(32)), data.name, data.labels, rule)
    assert {film["site"] for film in manifest.films if film["part"] == TEST} == {"south"}
    assert {film["site"] for film in manifest.films if film["part"] != TEST} == {"north"}
    assert len(manifest.rows(TEST)) == 36
    assert json.loads(manifest.to_json())["rule"]["held_out"] == "south"


@pytest.mark.parametrize("held_out", ["", "east"])
def test_hospital_to_leave_out_must_be_one_of_them(two, held_out: str) -> None:
    data = find_data(two)
    with pytest.raises(DataError, match="there is north, south"):
        split_films(
            load_films(data, Preparation(32)),
            data.name,
            data.labels,
            SplitRule("leave-one-source-out", held_out=held_out),
        )


def test_small_hospital_is_drawn_as_often_as_a_large_one() -> None:
    sites = np.array(["large"] * 90 + ["small"] * 10)
    rows = epoch_rows(sites, np.random.default_rng(0))
    assert len(rows) == 100
    assert sorted(np.bincount(rows[rows >= 90])[90:]) == [5] * 10  # every one of the small hospital's, 5 times
    assert len(set(rows[rows < 90])) == 50  # no film of the large one twice


def test_one_hospital_is_drawn_as_before_there_were_several() -> None:
    rows = epoch_rows(np.array([""] * 30), np.random.default_rng([3, 1]))
    assert rows.tolist() == np.random.default_rng([3, 1]).permutation(30).tolist()


def test_every_class_of_a_hospital_weighs_the_same() -> None:
    sites = np.array(["a"] * 60 + ["b"] * 8)
    classes = np.array([0] * 10 + [1] * 30 + [2] * 20 + [0] * 6 + [1] * 2)
    weights = balanced_weights(sites, classes, 3)
    at_a = [float(weights[(sites == "a") & (classes == kind)].sum()) for kind in range(3)]
    at_b = [float(weights[(sites == "b") & (classes == kind)].sum()) for kind in range(3)]
    assert at_a == pytest.approx([20, 20, 20])
    assert at_b == pytest.approx([4, 4, 0])


@pytest.fixture(scope="module")
def trained(two, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("both")
    fit(FitOptions(out=out, data=two, arch="tiny", epochs=1, batch_size=16))
    return out


def test_figures_are_there_for_each_hospital(trained: Path) -> None:
    sites = json.loads((trained / "metrics.json").read_text())["sites"]
    assert {name: figures["films"] for name, figures in sites.items()} == {"north": 6, "south": 6}


def _site(folder: Path, verdicts: dict[str, tuple[str, str, str]]) -> tuple[Path, Path]:
    """The kiosk's export and the site's own list; a record is (status, verdict, finding)."""
    lines = ["id,created_at,status,verdict,finding"]
    files = ["id,file,patient"]
    for number, (record, words) in enumerate(verdicts.items()):
        lines.append(f"{record},2026-01-01,{','.join(words)}")
        files.append(f"{record},films/{record}.png,child{number // 2}")
        (folder / "films").mkdir(exist_ok=True)
        kind = words[2] if words[2] in ("bacterial", "viral") else "normal"
        (folder / "films" / f"{record}.png").write_bytes(phantom_png(kind, 500 + number))
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    (folder / "files.csv").write_text("\n".join(files[:-1]) + "\n")  # the last record's film was not kept
    return folder / "cases.csv", folder / "files.csv"


def test_only_signed_cases_with_a_film_become_training_films(tmp_path: Path, capsys) -> None:
    cases, files = _site(
        tmp_path,
        {
            "AAA": ("signed", "agree", "normal"),
            "BBB": ("signed", "disagree", "bacterial"),
            "CCC": ("signed", "agree", "viral"),
            "DDD": ("signed", "agree", "unusable"),
            "EEE": ("signed", "unsure", "normal"),
            "FFF": ("draft", "", ""),
            "GGG": ("signed", "agree", "normal"),
        },
    )
    words = ["data", "join", str(cases), str(files), "--out", str(tmp_path / "site.csv")]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == {"joined": 4, "unsigned": 1, "unsure": 1, "without_film": 1}
    data = find_data(str(tmp_path / "site.csv"))
    assert [(film.name, film.label, film.patient) for film in data.films] == [
        ("AAA.png", "normal", "child0"),
        ("BBB.png", "bacterial", "child0"),
        ("CCC.png", "viral", "child1"),
    ]
    assert data.faults == ("films/DDD.png: called unusable",)


def test_site_list_without_its_columns_or_films_is_refused(tmp_path: Path) -> None:
    cases, _ = _site(tmp_path, {"AAA": ("signed", "agree", "normal"), "BBB": ("draft", "", "")})
    with pytest.raises(DataError, match="has no column file"):
        find_data(str(cases))
    (tmp_path / "site.csv").write_text("file,finding\ngone.png,normal\n")
    with pytest.raises(DataError, match="is not there"):
        find_data(str(tmp_path / "site.csv"))
    assert main(["data", "join", str(cases), str(cases), "--out", str(tmp_path / "no.csv")]) == 1
    assert not (tmp_path / "no.csv").exists()


def test_fine_tuning_begins_from_the_finished_run(trained: Path, two, tmp_path: Path) -> None:
    from train.evaluation.run import read_run

    rule = SplitRule(seed=0, validation_fraction=0.8)  # holds children out that the first run held out, too
    options = FitOptions(out=tmp_path, data=two[1], arch="tiny", epochs=1, batch_size=64, init=trained / "model.keras")
    fit(dataclasses.replace(options, split=rule))
    begun, tuned = (read_run(folder / "model.keras")[0].trainable_variables for folder in (trained, tmp_path))
    moved = [float(np.abs(a.numpy() - b.numpy()).max()) for a, b in zip(begun, tuned, strict=True)]
    assert 0 < max(moved) < 0.01  # one step at a tenth of the rate, not newly drawn weights


@pytest.mark.parametrize(("init", "told"), [("model.tflite", "cannot be trained on"), ("none/model.keras", "missing")])
def test_model_that_cannot_be_continued_is_refused(two, tmp_path: Path, capsys, init: str, told: str) -> None:
    words = ["fit", "--data", two[0], "--arch", "tiny", "--epochs", "1", "--out", str(tmp_path / "run")]
    assert main([*words, "--init", str(tmp_path / init)]) == 1
    assert told in capsys.readouterr().err


@pytest.mark.slow
def test_trained_at_one_hospital_it_fails_at_the_other_and_trained_at_both_it_does_not(tmp_path: Path) -> None:
    rows = {row["trained_on"]: row["at"] for row in compare_hospitals(HospitalOptions(tmp_path, "tiny", 60, 20))}
    assert rows["a"]["a"]["value"] > 0.9
    assert rows["b"]["b"]["value"] > 0.9
    assert rows["a"]["b"]["value"] < 0.7
    assert rows["b"]["a"]["value"] < 0.7
    assert min(rows["a and b"][site]["value"] for site in ("a", "b")) > 0.9


def test_drawn_hospitals_make_their_films_the_opposite_way(tmp_path: Path) -> None:
    sizes = {}
    for hospital in ("a", "b"):
        assert write_hospital(tmp_path / hospital, hospital, 2) == 6
        for film in find_data(str(tmp_path / hospital)).films:
            sizes.setdefault((hospital, film.label), set()).add(film.read().pixels.shape)
    assert sizes["a", "normal"] == sizes["b", "viral"] == sizes["b", "bacterial"]
    assert sizes["b", "normal"] == sizes["a", "viral"] != sizes["a", "normal"]
