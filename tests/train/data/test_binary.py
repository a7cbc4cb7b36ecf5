"""Two classes of the same films: the same split, and a path through fit, evaluate and convert."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests_support import A_PURPOSE

from convert.conversion import convert
from convert.options import ConvertOptions
from edge_app.model.preparation import Preparation
from train.__main__ import main
from train.data.loading import load_films
from train.data.locator_files import WHOLE_FILM
from train.data.sources import find_data
from train.data.split import TRAIN, VALIDATION, SplitRule, split_films
from train.data.two_classes import as_labelled, merge_films, merge_manifest, merge_targets
from train.evaluation.floor import NO_FLOOR
from train.training.fit import FitOptions, fit


def test_merged_films_are_split_as_the_three_classes_were(phantoms: Path) -> None:
    data = find_data(str(phantoms))
    films = load_films(data, Preparation(32))
    manifest = split_films(films, data.name, data.labels, SplitRule())
    merged, two = merge_manifest(manifest), merge_films(films, data.labels)
    for part in (TRAIN, VALIDATION):
        assert merged.rows(part).tolist() == manifest.rows(part).tolist()
    assert merged.labels == as_labelled(data, merged.labels).labels == ("normal", "pneumonia")
    for film, kind, was in zip(two.films, two.classes, films.films, strict=True):
        assert merged.labels[kind] == film.label
        assert (film.label == "normal") == (was.label == "normal")


def test_teachers_of_all_classes_soften_the_targets_of_two(phantoms: Path, tiny_run: Path, tmp_path: Path) -> None:
    teachers = (tiny_run / "model.keras",)
    metrics = fit(FitOptions(tmp_path / "run", str(phantoms), "tiny", epochs=1, binary=True, teachers=teachers))
    assert metrics["teachers"] == 1
    np.testing.assert_allclose(merge_targets(np.float32([[0.5, 0.3, 0.2], [0, 0, 1]])), [[0.5, 0.5], [0, 1]])


def test_labels_of_another_model_are_left_as_they_are(phantoms: Path) -> None:
    data = find_data(str(phantoms))
    assert as_labelled(data, data.labels) is data
    assert as_labelled(data, ("normal", "fracture")) is data


def test_a_model_of_two_classes_is_trained_evaluated_and_converted(phantoms: Path, tmp_path: Path, capsys) -> None:
    run = tmp_path / "run"
    options = FitOptions(run, str(phantoms), "tiny", epochs=1, batch_size=16, binary=True, locator=WHOLE_FILM)
    fit(replace(options, purpose=A_PURPOSE))
    words = ["evaluate", str(run / "model.keras"), "--data", str(phantoms), "--json"]
    assert main([*words, "--manifest", str(run / "manifest.json")]) == 0
    assert len(json.loads(capsys.readouterr().out)["confusion"]) == 2
    options = ConvertOptions(run / "model.keras", tmp_path / "out", str(phantoms), formats=("float32",), floor=NO_FLOOR)
    (row,) = convert(options)
    assert row["status"] == "ok", row["reason"]
    assert set(row["judges"]["random"]["class_recall"]) == {"normal", "pneumonia"}
    assert main(["evaluate", row["path"], "--data", str(phantoms), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["films"] == 72
