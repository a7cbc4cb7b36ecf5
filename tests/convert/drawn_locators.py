"""Locators that need no training: a film's dark squares are its lungs. And a data set for them, with masks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from convert.formats.export import export_float32, export_ptq
from edge_app.system.files import sha256_of
from train.data.locator_files import LocatorFiles
from train.data.lung_masks import load_lung_masks
from train.data.sources import find_data
from train.keras import keras
from train.networks.saving import save_model
from train.training.locator import FIGURES, MODEL

SIDE_PX = 32
CHILDREN = 8  # a class
PICTURE_PX = 224
LOGITS_PER_GRAY = 6.0 / 128


def dark_is_lung(threshold: float = 128.0) -> Any:
    """A network that calls a cell lung by how far its mean gray level lies below `threshold`."""
    film = keras.layers.Input((SIDE_PX, SIDE_PX, 1), name="film")
    mean = keras.layers.Conv2D(1, 2, 2, name="logits")
    model = keras.Model(film, mean(film), name="locator")
    mean.set_weights([np.full((2, 2, 1, 1), -LOGITS_PER_GRAY / 4), np.array([LOGITS_PER_GRAY * threshold])])
    return model


def blind_locator() -> Any:
    """A network that finds no lungs on any film."""
    return dark_is_lung(threshold=-200)


def locator_files(model: Any) -> LocatorFiles:
    """The files of a network, as they would be without gates and figures."""
    drawn = np.random.default_rng(0).integers(0, 256, (8, SIDE_PX, SIDE_PX), dtype=np.uint8)
    int8, float32 = export_ptq(model, drawn), export_float32(model)
    hashes = {"int8": sha256_of(int8), "float32": sha256_of(float32)}
    return LocatorFiles(int8, float32, {"sha256": hashes, "input_size_px": SIDE_PX, "parameters": 5})


def write_drawn_films(folder: Path) -> tuple[Path, Path]:
    """Bright films with two dark lungs whose edges are soft, and their masks; returns the two folders."""
    films, masks = folder / "films", folder / "masks"
    rng = np.random.default_rng(0)
    for place, name in (
        ("NORMAL", "IM-{:04d}-0001"),
        ("PNEUMONIA", "person{}_bacteria_1"),
        ("PNEUMONIA", "person{}_virus_2"),
    ):
        for child in range(CHILDREN):
            number = child + (CHILDREN if "virus" in name else 0)
            top, left = rng.integers(30, 60), rng.integers(30, 50)
            height, width = rng.integers(90, 120), rng.integers(45, 60)
            mask = np.zeros((PICTURE_PX, PICTURE_PX), np.uint8)
            for start in (left, left + width + 15):
                mask[top : top + height, start : start + width] = 255
            picture = Image.fromarray(200 - mask // 255 * 170).filter(ImageFilter.GaussianBlur(10))
            for content, target in ((picture, films / "train" / place), (Image.fromarray(mask), masks / place)):
                target.mkdir(parents=True, exist_ok=True)
                content.save(target / f"{name.format(number)}.png")
    return films, masks


def write_locator_run(folder: Path, model: Any, films: Path, masks: Path) -> Path:
    """The run folder that `train locator` would leave; returns the model's path."""
    loaded = load_lung_masks(find_data(str(films)), masks)
    measured = {"films": 3.0, "dice_grid": 0.9, "iou_median": 0.9, "iou_5th_percentile": 0.8}
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, folder / MODEL)
    hashes = {"manifest_sha256": loaded.manifest.sha256, "masks_sha256": loaded.masks_sha256}
    hashes["model_sha256"] = sha256_of((folder / MODEL).read_bytes())
    figures = hashes | {"data_attribution": "tests", "float": {"masks": measured}}
    (folder / FIGURES).write_text(json.dumps(figures), encoding="utf-8")
    return folder / MODEL
