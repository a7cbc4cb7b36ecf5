"""Which labelled films there are, of which class, of which patient. Nothing is decoded here.

A data set is one of: a folder in the Kaggle or Mendeley layout (`train/NORMAL`,
`train/PNEUMONIA`, bacterial or viral by file name), a folder with one folder a class, a MedMNIST
`.npz`, a site's list of its own films as `.csv`, or the word `phantom`. Several of them, each a
hospital, make one.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from edge_app.errors import DataError
from edge_app.imaging.phantom import LABELS, draw_phantom
from train.data.folders import read_folder
from train.data.hospitals import joined, warn_of_missing_classes
from train.data.labelled import PHANTOM, DataSet, LabelledFilm, patient_of, with_negative
from train.data.medmnist import read_npz
from train.data.site_list import read_site_list

DATA_VARIABLE = "CXR_DATA"
DEFAULT_DATA = Path("data/chest_xray")
PHANTOM_FILMS_PER_CLASS = 240

__all__ = ["PHANTOM", "DataSet", "LabelledFilm", "find_data", "patient_of", "phantom_data"]


def find_data(argument: str | Sequence[str] | None, with_test: bool = False, negative: str = "") -> DataSet:
    """The data set that `--data` names; without it `data/chest_xray`, then $CXR_DATA.

    Args:
        argument: one source, or several hospitals.
        with_test: read the test folder, too, where there is one; most splits never look at it.
        negative: the class without the finding; `normal` or else the first when left out.
    Raises:
        DataError: there is none, or it is not of a layout that the kit knows, or a class is empty.
    """
    if argument is None or isinstance(argument, str):
        data = _find_one(argument, with_test)
    elif len(argument) < 2:
        data = _find_one(argument[0] if argument else None, with_test)
    else:
        data = joined([_find_one(one, with_test) for one in argument])
        warn_of_missing_classes(data)
    for label in data.labels:
        if not any(film.label == label for film in data.films if not film.is_test):
            skipped = f" ({len(data.faults)} files were left out: {data.faults[0]})" if data.faults else ""
            raise DataError(f"{data.name} has no film of class {label!r} to train on: every class needs films{skipped}")
    return with_negative(data, negative)


def _find_one(argument: str | None, with_test: bool) -> DataSet:
    if argument == PHANTOM:
        return phantom_data()
    path = Path(argument or _default_path())
    if not path.exists():
        raise DataError(
            f"no training films at {path}: name a folder with --data or {DATA_VARIABLE}, "
            "or use --data phantom, which needs none"
        )
    if path.is_dir():
        return read_folder(path, with_test)
    if path.suffix == ".npz":
        return read_npz(path, with_test)
    if path.suffix == ".csv":
        return read_site_list(path)
    raise DataError(f"{path} is no data set: expected a folder of films, a MedMNIST .npz or a site's list as .csv")


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
