"""Films are read from the disk as they are needed: the same numbers as in memory, and nothing is left behind."""

import mmap
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_app.errors import DataError
from edge_app.model.preparation import Preparation
from train.__main__ import main
from train.data.loading import load_films
from train.data.on_disk import stack_on_disk
from train.data.sources import find_data
from train.data.whole_films import whole_films, with_context
from train.training.batches import BatchOptions, one_hot, training_batches

ARRAYS = np.random.default_rng(0).integers(0, 256, (5, 3, 4), np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def small_disk(folder: Path) -> Iterator[None]:
    """No file may be larger than 100,000 bytes: the system answers as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def is_on_disk(array: np.ndarray) -> bool:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return isinstance(array.base, mmap.mmap)


@pytest.mark.parametrize("most", [5, 9])
def test_a_stack_on_disk_is_that_in_memory_and_its_file_has_no_name(folder: Path, most: int) -> None:
    stacked = stack_on_disk(iter(ARRAYS.transpose(0, 2, 1)), most)
    assert np.array_equal(stacked, ARRAYS.transpose(0, 2, 1))
    assert is_on_disk(stacked)
    assert stacked.dtype == np.uint8
    assert list(folder.iterdir()) == []
    with pytest.raises(ValueError, match="read-only"):
        stacked[0] = 1
    assert stack_on_disk(iter(()), 3).shape == (0, 0, 0)


def test_a_full_disk_is_told_before_the_second_film_is_read(folder: Path, small_disk: None) -> None:
    films = iter(ARRAYS)
    with pytest.raises(DataError, match=rf"{folder} has no room for 10,001 films of 12 bytes: .* with TMPDIR"):
        stack_on_disk(films, 10_001)
    assert len(list(films)) == 4


def test_fit_and_check_on_a_full_disk_are_one_line(phantoms: Path, small_disk: None, tmp_path: Path, capsys) -> None:
    assert main(["fit", "--arch", "tiny", "--input-size", "128", "--data", str(phantoms), "--out", "run"]) == 1
    assert f"train: {tmp_path} has no room for 72 films" in capsys.readouterr().err.splitlines()[-1]


def test_films_and_batches_from_the_disk_are_those_from_memory(phantoms: Path) -> None:
    data = find_data(str(phantoms))
    films = load_films(data, Preparation(32))
    context = with_context(films)
    assert all(map(is_on_disk, (films.pixels, films.only(np.arange(3)).pixels, context, whole_films(films))))
    pixels = np.stack([Preparation(32).prepare(film.read().pixels)[0] for film in data.films])
    assert np.array_equal(films.pixels, pixels)
    targets, options = one_hot(films.classes, 3), BatchOptions(32, 8, epochs=2, seed=1)
    held = [training_batches(films, where, targets, options) for where in (context, np.array(context))]
    for from_disk, from_memory in zip(*held, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(from_disk, from_memory, strict=True))


def test_large_medmnist_files_are_unpacked_to_the_disk(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (6, 64, 64, 3), np.uint8)
    for name, given in (("rows", images), ("columns", np.asfortranarray(images))):
        np.savez_compressed(tmp_path / f"{name}.npz", train_images=given, train_labels=np.arange(6) % 2)
        films = find_data(str(tmp_path / f"{name}.npz"), negative="class 0").films
        assert np.array_equal([film.source for film in films], images)
        assert is_on_disk(films[0].source) == (name == "rows")
