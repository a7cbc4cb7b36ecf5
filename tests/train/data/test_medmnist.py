"""Every two-dimensional kind of MedMNIST file, drawn: its own classes, parts and licence, or a reason."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge_app.errors import DataError
from edge_app.imaging.phantom import draw_phantom
from edge_app.model.preparation import Preparation
from train.__main__ import main
from train.data.check import find_split_data
from train.data.layouts.medmnist import SETS
from train.data.loading import load_films
from train.data.sources import find_data
from train.data.split import TEST, TRAIN, VALIDATION, SplitRule, split_films
from train.training.fit import FitOptions, fit


def _file(folder: Path, name: str, classes: int, colour: bool = False, counts: tuple[int, ...] = (24, 12, 4)) -> str:
    """`counts` films of each class in the parts train, val and test."""
    random, arrays = np.random.default_rng(0), {}
    for part, count in zip(("train", "val", "test"), counts, strict=False):
        shape = (count * classes, 28, 28, *([3] if colour else []))
        arrays[f"{part}_images"] = random.integers(0, 256, shape, dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(count * classes)[:, None] % classes
    np.savez(folder / f"{name}.npz", **arrays)
    return str(folder / f"{name}.npz")


KINDS = [
    ("pneumoniamnist_64", 2, False, "", "Kermany"),
    ("breastmnist", 2, False, "normal, benign", "Al-Dhabyani"),
    ("octmnist", 4, False, "", "Kermany"),
    ("pathmnist_128", 9, True, "normal colon mucosa", "Kather"),
    ("dermamnist", 7, True, "melanocytic nevi", "HAM10000"),
    ("bloodmnist", 8, True, "lymphocyte", "Acevedo"),
    ("retinamnist", 5, True, "", "DeepDRiD"),
    ("tissuemnist", 8, False, "leukocytes", "BBBC051"),
    ("organamnist", 11, False, "liver", "LiTS"),
    ("organcmnist", 11, False, "heart", "LiTS"),
    ("organsmnist_64", 11, False, "spleen", "LiTS"),
    ("anyones", 3, False, "class 2", "films of anyones.npz"),
]


@pytest.mark.parametrize(("name", "classes", "colour", "normal", "attributed"), KINDS)
def test_each_kind_has_its_own_classes_parts_and_licence(
    tmp_path: Path, name: str, classes: int, colour: bool, normal: str, attributed: str
) -> None:
    data, rule = find_split_data(_file(tmp_path, name, classes, colour), SplitRule("auto"), normal)
    films = load_films(data, Preparation(32))
    manifest = split_films(films, data.name, data.labels, rule)
    assert [len(manifest.rows(part)) for part in (TRAIN, VALIDATION, TEST)] == [24 * classes, 12 * classes, 4 * classes]
    assert sorted(data.labels) == sorted(SETS[name.split("_")[0]][0].split("|") if "mnist" in name else data.labels)
    assert attributed in data.attribution
    assert ("Kermany" in data.attribution) == (attributed == "Kermany")
    licence = {"dermamnist": "CC BY-NC 4.0", "anyones": "not stated"}  # MedMNIST's README, from version 2.2.3 on
    assert data.licence == licence.get(name, "CC BY 4.0")
    assert any("colour was turned gray" in note for note in data.notes) == colour


def test_every_set_of_one_class_per_film_is_tried() -> None:
    assert {name.split("_")[0] for name, *_ in KINDS} == {*SETS, "anyones"}


@pytest.mark.parametrize(("name", "classes"), [("breastmnist", 2), ("bloodmnist", 8), ("anyones", 2)])
def test_which_class_is_normal_is_not_assumed(tmp_path: Path, name: str, classes: int) -> None:
    with pytest.raises(DataError, match="with --normal CLASS"):
        find_data(_file(tmp_path, name, classes))


def test_colour_becomes_the_gray_of_the_devices_decoder(tmp_path: Path) -> None:
    path = _file(tmp_path, "retinamnist", 5, colour=True)
    with np.load(path) as arrays:
        red, green, blue = (arrays["train_images"][0, 5, 7, band].astype(int) for band in range(3))
    gray = find_data(path).films[0].read().pixels[5, 7]
    assert gray == (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16  # ITU-R 601-2, as Pillow documents it


@pytest.mark.parametrize(
    ("name", "images", "labels", "told"),
    [
        (
            "chestmnist",
            (6, 28, 28),
            np.zeros((6, 14), np.int64),
            "several labels per film: .* a film needs exactly one",
        ),
        ("organmnist3d", (6, 28, 28, 28), np.zeros((6, 1), np.int64), "expected two-dimensional films"),
        ("breastmnist", (6, 28, 28), np.full((6, 1), 2), "expected 0 to 1: malignant, normal, benign"),
    ],
)
def test_what_is_not_one_class_per_flat_film_is_refused_with_a_reason(
    tmp_path: Path, name: str, images: tuple[int, ...], labels: np.ndarray, told: str
) -> None:
    np.savez(tmp_path / f"{name}.npz", train_images=np.zeros(images, np.uint8), train_labels=labels)
    with pytest.raises(DataError, match=told):
        find_data(str(tmp_path / f"{name}.npz"))


def test_a_file_is_trained_on_and_its_test_part_scored_once(tmp_path: Path, capsys) -> None:
    pixels = [[draw_phantom(kind, seed)[:200, :200] for kind in ("bacterial", "normal")] for seed in range(24)]
    arrays = {}
    for part, (first, last) in {"train": (0, 10), "val": (10, 20), "test": (20, 24)}.items():
        arrays[f"{part}_images"] = np.stack([film for row in pixels[first:last] for film in row])
        arrays[f"{part}_labels"] = np.tile([[0], [1]], (last - first, 1))
    np.savez(tmp_path / "breastmnist_224.npz", **arrays)
    words = ["--data", str(tmp_path / "breastmnist_224.npz"), "--normal", "normal, benign"]
    assert main(["data", "check", *words, "--locator", "none"]) == 0
    assert json.loads(capsys.readouterr().out)["split"]["rule"] == "official"
    options = FitOptions(tmp_path / "run", words[1], "tiny", epochs=1, batch_size=8, negative=words[3], locator="none")
    metrics = fit(options)
    assert metrics["test"]["films"] == 8
    assert metrics["validation_films"] == 20
    scored = ["evaluate", str(tmp_path / "run" / "model.keras"), *words[:2], "--json", "--part", "test"]
    capsys.readouterr()
    assert main([*scored, "--manifest", str(tmp_path / "run" / "manifest.json")]) == 0
    assert set(json.loads(capsys.readouterr().out)["class_recall"]) == {"normal, benign", "malignant"}
