"""MedMNIST files: `train_images` (n, side, side) uint8, `train_labels` (n, 1), 0 is normal."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from edge_app.errors import DataError
from train.data.labelled import NORMAL, DataSet, LabelledFilm, Layout
from train.data.layouts.folders import KERMANY_ATTRIBUTION

LABELS = (NORMAL, "pneumonia")
DAMAGED = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error)


def read_npz(path: Path, with_test: bool) -> DataSet:
    """Read a MedMNIST file of any side.

    Args:
        with_test: also read `test_images`, where there are any.
    Raises:
        DataError: damaged, or not of this kind; the message says which array is wrong.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            parts = ["train", *(["test"] if with_test and "test_images" in arrays.files else [])]
            missing = [f"{part}_{kind}" for part in parts for kind in ("images", "labels")]
            missing = [name for name in missing if name not in arrays.files]
            if missing:
                raise DataError(f"{path} holds {', '.join(arrays.files) or 'nothing'}, missing {', '.join(missing)}")
            films = [film for part in parts for film in _films(path, part, arrays)]
    except DAMAGED as cause:
        raise DataError(f"{path} cannot be read as a MedMNIST .npz file: {cause}: fetch it again") from cause
    return DataSet(path.name, LABELS, tuple(films), "CC BY 4.0", "MedMNIST v2, after " + KERMANY_ATTRIBUTION)


def _films(path: Path, part: str, arrays: np.lib.npyio.NpzFile) -> list[LabelledFilm]:
    images, classes = arrays[f"{part}_images"], arrays[f"{part}_labels"]
    _check(f"{part}_images in {path}", images, f"{part}_labels", classes)
    stem = path.stem if part == "train" else f"{path.stem}_{part}"
    return [
        LabelledFilm(f"{stem}_{index}", LABELS[kind], f"{stem}_{index}", image, is_test=part == "test")
        for index, (image, kind) in enumerate(zip(images, classes.ravel(), strict=True))
    ]


def _check(name: str, images: np.ndarray, labels_name: str, classes: np.ndarray) -> None:
    if images.ndim != 3 or images.dtype != np.uint8 or images.shape[1] != images.shape[2]:
        raise DataError(f"{name} are {images.dtype} {images.shape}, expected gray films: uint8 (films, side, side)")
    if classes.shape not in ((len(images),), (len(images), 1)) or not np.issubdtype(classes.dtype, np.integer):
        raise DataError(
            f"{labels_name} for {name} are {classes.dtype} {classes.shape}, expected one whole number for each of "
            f"the {len(images)} films"
        )
    if not set(np.unique(classes)) <= {0, 1}:
        raise DataError(f"{labels_name} holds {np.unique(classes).tolist()}, expected 0 (normal) and 1 (pneumonia)")


LAYOUT = Layout(
    description="a MedMNIST .npz",
    recognises=lambda source: Path(source).is_file() and Path(source).suffix == ".npz",
    read=lambda source, with_test: read_npz(Path(source), with_test),
)
