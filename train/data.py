"""Labelled films: which there are, of which class, of which patient. Nothing is decoded here.

A data set is one of: a folder in the Kaggle or Mendeley layout (`train/NORMAL`,
`train/PNEUMONIA`, bacterial or viral by file name), a folder with one folder a class, a MedMNIST
`.npz`, or the word `phantom`.
"""

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_app.errors import DataError
from edge_app.film import SUFFIXES, Film, read_film
from edge_app.phantom import LABELS, draw_phantom

DATA_VARIABLE = "CXR_DATA"
DEFAULT_DATA = Path("data/chest_xray")
PHANTOM = "phantom"
PHANTOM_FILMS_PER_CLASS = 240
PATIENT_PATTERN = re.compile(r"(person\d+|NORMAL2-IM-\d+|IM-\d+)")
KERMANY_LICENCE = "CC BY 4.0"
KERMANY_ATTRIBUTION = (
    "Kermany, Zhang, Goldbaum: Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for "
    "Classification, Mendeley Data v3, doi 10.17632/rscbjbr9sj.3; Cell 172:1122 (2018)"
)


@dataclass(frozen=True)
class LabelledFilm:
    """One film of a data set. `source` is a path, or the decoded pixels of a drawn or packed film."""

    name: str
    label: str
    patient: str
    source: Path | np.ndarray

    def read(self) -> Film:
        """Decode it as the device would.

        Raises:
            FilmError: it cannot be read or is refused.
        """
        if isinstance(self.source, Path):
            return read_film(self.source)
        height_px, width_px = self.source.shape
        return Film(pixels=self.source, width_px=width_px, height_px=height_px)


@dataclass(frozen=True)
class DataSet:
    """Films with their labels. `labels` gives the classes in the order of the logits."""

    name: str
    labels: tuple[str, ...]
    films: tuple[LabelledFilm, ...]
    licence: str
    attribution: str

    @property
    def is_phantom(self) -> bool:
        """True when the films are drawings."""
        return self.name == PHANTOM


def find_data(argument: str | None) -> DataSet:
    """The data set that `--data` names; without it `data/chest_xray`, then $CXR_DATA.

    Raises:
        DataError: there is none, or it is not of a layout that the kit knows, or a class is empty.
    """
    if argument == PHANTOM:
        return phantom_data()
    path = Path(argument or _default_path())
    if not path.exists():
        raise DataError(
            f"no training films at {path}: name a folder with --data or {DATA_VARIABLE}, "
            "or use --data phantom, which needs none"
        )
    data = _read_npz(path) if path.suffix == ".npz" else _read_folder(path)
    for label in data.labels:
        if not any(film.label == label for film in data.films):
            raise DataError(f"{path} has no film of class {label!r}: every class needs films")
    return data


def phantom_data(films_per_class: int = PHANTOM_FILMS_PER_CLASS) -> DataSet:
    """Drawn films, the same ones every time; each phantom child has two."""
    films = []
    for index, label in enumerate(LABELS):
        for number in range(films_per_class):
            seed = index * films_per_class + number
            child = f"phantom{seed // 2}"
            films.append(LabelledFilm(f"{child}_{label}_{number}", label, child, draw_phantom(label, seed)))
    return DataSet(PHANTOM, LABELS, tuple(films), "none needed", "drawn by this kit's phantom generator")


def patient_of(name: str) -> str:
    """The patient in a published file name; an unknown name counts as a patient of its own."""
    found = PATIENT_PATTERN.match(name)
    return found.group(1) if found else name


def _default_path() -> str:
    return str(DEFAULT_DATA) if DEFAULT_DATA.exists() else os.environ.get(DATA_VARIABLE, str(DEFAULT_DATA))


def _read_folder(path: Path) -> DataSet:
    root = path / "train" if (path / "train").is_dir() else path
    folders = {folder.name.upper(): folder for folder in sorted(root.iterdir()) if folder.is_dir()}
    if set(folders) == {"NORMAL", "PNEUMONIA"}:
        files = [(file, _kermany_label(file)) for folder in folders.values() for file in _films_in(folder)]
        return _data_set(path, LABELS, files, KERMANY_LICENCE, KERMANY_ATTRIBUTION)
    if len(folders) < 2:
        raise DataError(
            f"{root} has {len(folders)} folders of films, expected NORMAL and PNEUMONIA, or one folder a class"
        )
    # The class without disease comes first, as everywhere in the kit.
    labels = sorted((name.lower() for name in folders), key=lambda label: (label != "normal", label))
    files = [(file, folder.name.lower()) for folder in folders.values() for file in _films_in(folder)]
    return _data_set(path, tuple(labels), files, "not stated", f"films in a folder of {len(folders)} classes")


def _films_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)


def _kermany_label(file: Path) -> str:
    if file.parent.name.upper() == "NORMAL":
        return "normal"
    for word, label in (("bacteria", "bacterial"), ("virus", "viral")):
        if word in file.name.lower():
            return label
    raise DataError(f"{file.name} in PNEUMONIA names neither bacteria nor virus: rename or remove it")


def _data_set(
    path: Path, labels: tuple[str, ...], files: list[tuple[Path, str]], licence: str, attribution: str
) -> DataSet:
    films = [LabelledFilm(file.name, label, patient_of(file.name), file) for file, label in files]
    return DataSet(path.name, labels, tuple(films), licence, attribution)


def _read_npz(path: Path) -> DataSet:
    """A MedMNIST file: `train_images` (n, side, side) uint8 and `train_labels` (n, 1), 0 is normal."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, classes = arrays["train_images"], arrays["train_labels"].ravel()
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as cause:
        raise DataError(f"{path} is no MedMNIST file: it needs train_images and train_labels") from cause
    if images.ndim != 3 or images.dtype != np.uint8 or len(images) != len(classes):
        raise DataError(f"{path} holds {images.dtype} {images.shape} images and {len(classes)} labels: expected gray")
    labels = ("normal", "pneumonia")
    if not set(np.unique(classes)) <= {0, 1}:
        raise DataError(f"{path} has labels {np.unique(classes).tolist()}, expected 0 (normal) and 1 (pneumonia)")
    films = [
        LabelledFilm(f"{path.stem}_{index}", labels[kind], f"{path.stem}_{index}", image)
        for index, (image, kind) in enumerate(zip(images, classes, strict=True))
    ]
    return DataSet(path.name, labels, tuple(films), "CC BY 4.0", "MedMNIST v2, after " + KERMANY_ATTRIBUTION)
