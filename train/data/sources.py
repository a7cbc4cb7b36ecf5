"""Which labelled films there are, of which class, of which patient. Nothing is decoded here.

`--data` names one source or several, each a hospital. A new layout is a module with a `LAYOUT`, and a
line in `LAYOUTS`.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from edge_app.errors import DataError
from train.data.hospitals import joined, warn_of_missing_classes
from train.data.labelled import DataSet, LabelledFilm, with_negative
from train.data.layouts import folders, medmnist, phantoms, site_list

LAYOUTS = (phantoms.LAYOUT, folders.LAYOUT, medmnist.LAYOUT, site_list.LAYOUT)
DATA_VARIABLE = "CXR_DATA"
DEFAULT_DATA = Path("data/chest_xray")

__all__ = ["DataSet", "LabelledFilm", "find_data"]


def find_data(
    argument: str | Sequence[str] | None, with_test: bool = False, negative: str = "", patients: str = ""
) -> DataSet:
    """Find the data set that `--data` names; without it, `data/chest_xray`, then $CXR_DATA.

    Args:
        argument: one source, or several hospitals.
        with_test: also read the test part, where there is one; most splits never use it.
        negative: the class without the finding; by default, the one whose name says so.
        patients: rule of `train.data.patients`; by default, it is guessed.
    Raises:
        DataError: there is none, its layout is unknown, a class is empty, or no class is known to be normal.
    """
    if argument is None or isinstance(argument, str):
        data = _find_one(argument, with_test, patients)
    elif len(argument) < 2:
        data = _find_one(argument[0] if argument else None, with_test, patients)
    else:
        data = joined([_find_one(one, with_test, patients) for one in argument])
    for label in data.labels:
        if not any(film.label == label for film in data.films if not film.is_test):
            skipped = f" ({len(data.faults)} files were left out: {data.faults[0]})" if data.faults else ""
            raise DataError(f"{data.name} has no film of class {label!r} to train on: every class needs films{skipped}")
    warn_of_missing_classes(data)
    return with_negative(data, negative)


def _find_one(argument: str | None, with_test: bool, patients: str) -> DataSet:
    source = argument or _default_path()
    for layout in LAYOUTS:
        if layout.recognises(source):
            return layout.read(source, with_test, patients)
    if Path(source).exists():
        *others, last = (layout.description for layout in LAYOUTS)
        raise DataError(f"{source} is not a data set: expected {', '.join(others)} or {last}")
    raise DataError(
        f"no training films at {source}: name a folder with --data or {DATA_VARIABLE}, "
        "or use --data phantom, which needs none"
    )


def _default_path() -> str:
    return str(DEFAULT_DATA) if DEFAULT_DATA.exists() else os.environ.get(DATA_VARIABLE, str(DEFAULT_DATA))
