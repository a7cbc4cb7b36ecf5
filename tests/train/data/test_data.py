from pathlib import Path

import pytest

from edge_app.errors import DataError
from edge_app.imaging.phantom import phantom_png, write_phantom_set
from edge_app.model.preparation import Preparation
from train.__main__ import main
from train.data.loading import load_films
from train.data.sources import find_data


def _write(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        (folder / name).write_bytes(phantom_png("normal", seed))


def test_kaggle_layout_reads_three_classes_from_folders_and_names(tmp_path: Path) -> None:
    write_phantom_set(tmp_path, films_per_class=4)
    data = find_data(str(tmp_path))
    assert data.labels == ("normal", "bacterial", "viral")
    assert [film.label for film in data.films].count("viral") == 4
    films = load_films(data, Preparation(32))
    assert films.pixels.shape == (12, 32, 32)
    assert films.classes.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_one_folder_per_class_takes_any_classes_and_puts_normal_first(tmp_path: Path) -> None:
    for name in ("fracture", "normal", "arthritis"):
        _write(tmp_path / name, "a.png")
    assert find_data(str(tmp_path)).labels == ("normal", "arthritis", "fracture")


def test_drawn_films_in_a_folder_are_known_as_drawings(tmp_path: Path) -> None:
    assert main(["data", "phantom", str(tmp_path / "films"), "--films", "2"]) == 0
    data = find_data(str(tmp_path / "films"))
    assert data.is_phantom
    assert "Kermany" not in data.attribution


def test_missing_data_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CXR_DATA", raising=False)
    with pytest.raises(DataError, match="--data phantom"):
        find_data(None)


def test_environment_names_the_data_when_no_folder_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_phantom_set(tmp_path / "elsewhere", films_per_class=2)
    monkeypatch.setenv("CXR_DATA", str(tmp_path / "elsewhere"))
    assert len(find_data(None).films) == 6
