"""Which labelled films there are, of which class, of which patient. Nothing is decoded here.

A data set is one of: a folder in the Kaggle or Mendeley layout (`train/NORMAL`,
`train/PNEUMONIA`, bacterial or viral by file name), a folder with one folder a class, a MedMNIST
`.npz`, or the word `phantom`.
"""

import os
from pathlib import Path

from edge_app.errors import DataError
from edge_app.phantom import LABELS, draw_phantom
from train.folders import read_folder
from train.labelled import PHANTOM, DataSet, LabelledFilm, patient_of
from train.medmnist import read_npz

DATA_VARIABLE = "CXR_DATA"
DEFAULT_DATA = Path("data/chest_xray")
PHANTOM_FILMS_PER_CLASS = 240

__all__ = ["PHANTOM", "DataSet", "LabelledFilm", "find_data", "patient_of", "phantom_data"]


def find_data(argument: str | None, with_test: bool = False) -> DataSet:
    """The data set that `--data` names; without it `data/chest_xray`, then $CXR_DATA.

    Args:
        with_test: read the test folder, too, where there is one; most splits never look at it.
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
    data = _read(path, with_test)
    for label in data.labels:
        if not any(film.label == label for film in data.films if not film.is_test):
            skipped = f" ({len(data.faults)} files were left out: {data.faults[0]})" if data.faults else ""
            raise DataError(f"{path} has no film of class {label!r} to train on: every class needs films{skipped}")
    return data


def _read(path: Path, with_test: bool) -> DataSet:
    if path.is_dir():
        return read_folder(path, with_test)
    if path.suffix == ".npz":
        return read_npz(path, with_test)
    raise DataError(f"{path} is no data set: expected a folder of films or a MedMNIST .npz")


def phantom_data(films_per_class: int = PHANTOM_FILMS_PER_CLASS) -> DataSet:
    """Drawn films, the same ones every time; each phantom child has two."""
    films = []
    for index, label in enumerate(LABELS):
        for number in range(films_per_class):
            seed = index * films_per_class + number
            child = f"phantom{seed // 2}"
            films.append(LabelledFilm(f"{child}_{label}_{number}", label, child, draw_phantom(label, seed)))
    return DataSet(PHANTOM, LABELS, tuple(films), "none needed", "drawn by this kit's phantom generator")


def _default_path() -> str:
    return str(DEFAULT_DATA) if DEFAULT_DATA.exists() else os.environ.get(DATA_VARIABLE, str(DEFAULT_DATA))
