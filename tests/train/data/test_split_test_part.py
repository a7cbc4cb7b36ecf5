"""Splits with a test part: who is in it, and that nothing is chosen by it."""

import dataclasses
import json
from pathlib import Path

import pytest

from edge_app.errors import DataError
from edge_app.imaging.phantom import write_phantom_set
from edge_app.model.preparation import Preparation
from train.__main__ import main
from train.data.layouts.phantoms import phantom_data
from train.data.loading import LoadedFilms, load_films
from train.data.sources import find_data
from train.data.split import LEFT_OUT, OFFICIAL, POOLED, TEST, TRAIN, VALIDATION, Manifest, SplitRule, split_films
from train.training.fit import FitOptions, fit


@pytest.fixture(scope="module")
def kaggle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms in the Kaggle layout: `train`, and `test` whose patients are numbered from 0 again."""
    folder = tmp_path_factory.mktemp("kaggle")
    write_phantom_set(folder, films_per_class=8, seed=1)
    (folder / "train").rename(folder / "test")
    write_phantom_set(folder, films_per_class=40)
    return folder


def _split(folder: Path, name: str) -> tuple[LoadedFilms, Manifest]:
    data = find_data(str(folder), with_test=SplitRule(name).reads_test_folder)
    films = load_films(data, Preparation(32))
    return films, split_films(films, data.name, data.labels, SplitRule(name))


@pytest.mark.parametrize(
    ("rule", "sha256"),
    [
        ("random", "976d6e084e33b1551c13688fa8ff3d6259c4f44bc8cd267183eb02bcb2d1f8a5"),
        ("acquisition-order", "60f2d04e9688d40f760aba64b3e5397b0b2d53cd46c283e646daf0e452272bcf"),
        ("k-fold", "4bee56690aff0b2aca4854e1967bb9e1a540294bd1121852cbe2a2c7061f0e1e"),
    ],
)
def test_splits_of_version_0_1_keep_their_hash(rule: str, sha256: str) -> None:
    """The shipped model's card names its split by this hash; these were written by the first version."""
    data = phantom_data(films_per_class=8)
    assert split_films(load_films(data, Preparation(32)), data.name, data.labels, SplitRule(rule)).sha256 == sha256


def test_official_takes_the_folders_as_found_and_validates_on_training_patients(kaggle: Path) -> None:
    films, manifest = _split(kaggle, OFFICIAL)
    assert len(manifest.rows(TEST)) == 3 * 8
    assert all(films.films[row].is_test for row in manifest.rows(TEST))
    assert not any(films.films[row].is_test for row in (*manifest.rows(TRAIN), *manifest.rows(VALIDATION)))
    assert len(manifest.rows(VALIDATION)) == 3 * 6  # 15% of 20 patients of each class, 2 films each


def test_official_without_a_test_folder_says_so(tmp_path: Path, capsys) -> None:
    write_phantom_set(tmp_path, films_per_class=8)
    out = tmp_path / "run"
    assert main(["fit", "--data", str(tmp_path), "--split", OFFICIAL, "--arch", "tiny", "--out", str(out)]) == 1
    assert "needs a test folder" in capsys.readouterr().err
    assert not out.exists()


def test_training_patient_with_the_pixels_of_a_test_film_is_left_out(kaggle: Path, capsys) -> None:
    copy = kaggle / "train" / "NORMAL" / "IM-0000-0000.png"
    original = copy.read_bytes()
    try:
        copy.write_bytes((kaggle / "test" / "NORMAL" / "IM-0003-0007.png").read_bytes())
        films, manifest = _split(kaggle, OFFICIAL)
    finally:
        copy.write_bytes(original)
    left_out = [films.films[row].name for row in manifest.rows(LEFT_OUT)]
    assert left_out == ["IM-0000-0000.png", "IM-0000-0001.png"]  # all of that patient
    assert len(manifest.rows(TEST)) == 3 * 8
    assert "left out 2 training films" in capsys.readouterr().err


def test_pooled_splits_both_folders_by_patient_into_70_15_15(kaggle: Path) -> None:
    films, manifest = _split(kaggle, POOLED)
    patients = {
        part: {(film["label"], film["patient"]) for film in manifest.films if film["part"] == part}
        for part in (TRAIN, VALIDATION, TEST)
    }
    # 20 names of normals (the test folder repeats 4 of them, which then count as one patient), 24 of the others.
    assert [len(patients[part]) for part in (VALIDATION, TEST)] == [3 + 4 + 4] * 2
    assert sum(map(len, patients.values())) == len(set().union(*patients.values())) == 20 + 24 + 24
    assert {film.is_test for film, row in zip(films.films, manifest.films, strict=True) if row["part"] == TRAIN} == {
        True,
        False,
    }


def test_other_splits_never_look_into_the_test_folder(kaggle: Path) -> None:
    films, manifest = _split(kaggle, "random")
    assert not any(film.is_test for film in films.films)
    assert not len(manifest.rows(TEST))


@pytest.mark.slow
def test_nothing_is_chosen_by_the_test_films(kaggle: Path, tmp_path: Path) -> None:
    """The same training with other test films gives the same thresholds, and only other test figures."""
    other = tmp_path / "other"
    write_phantom_set(other, films_per_class=8, seed=2)
    (other / "train").rename(other / "test")
    (other / "train").symlink_to(kaggle / "train")
    options = FitOptions(
        out=tmp_path / "a", data=str(kaggle), arch="tiny", epochs=1, batch_size=16, split=SplitRule(OFFICIAL)
    )
    first = fit(options)
    second = fit(dataclasses.replace(options, out=tmp_path / "b", data=str(other)))
    assert first["test"]["films"] == second["test"]["films"] == 24
    assert first["judges"] == second["judges"]
    assert first["calibration"] == second["calibration"]
    assert "test" not in first["judges"]
    assert first["test"]["auc"] != second["test"]["auc"] or first["test"]["brier"] != second["test"]["brier"]
    assert json.loads((tmp_path / "a" / "run.json").read_text())["test"] == first["test"]


def test_evaluate_scores_the_test_part_and_calls_it_so(kaggle: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "run"
    words = ["fit", "--data", str(kaggle), "--split", POOLED, "--arch", "tiny", "--epochs", "1", "--out", str(out)]
    assert main(words) == 0
    assert "test films, scored once" in capsys.readouterr().out
    words = ["evaluate", str(out / "model.keras"), "--data", str(kaggle), "--manifest", str(out / "manifest.json")]
    assert main([*words, "--part", "test", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["films_of"].startswith("test part")
    assert figures["auc"] == json.loads((out / "metrics.json").read_text())["test"]["auc"]


def test_part_that_a_split_does_not_have_is_refused(kaggle: Path) -> None:
    from train.data.split import apply_manifest

    films, manifest = _split(kaggle, "random")
    with pytest.raises(DataError, match="random has no test part"):
        apply_manifest(films, manifest, TEST)
