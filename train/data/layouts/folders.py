"""Films in folders: the Kaggle and Mendeley layouts, or one folder per class."""

from dataclasses import dataclass
from pathlib import Path

from edge_app.errors import DataError
from edge_app.imaging.film_files import is_service_name
from edge_app.imaging.formats.registry import film_suffixes
from edge_app.imaging.phantom import LABELS
from train.data.labelled import NORMAL, PATIENT_PATTERN, DataSet, LabelledFilm, Layout, patient_of

KERMANY = frozenset({"NORMAL", "PNEUMONIA"})
KERMANY_LICENCE = "CC BY 4.0"
KERMANY_ATTRIBUTION = (
    "Kermany, Zhang, Goldbaum: Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for "
    "Classification, Mendeley Data v3, doi 10.17632/rscbjbr9sj.3; Cell 172:1122 (2018)"
)
KINDS = (("bacteria", "bacterial"), ("virus", "viral"))  # word in a file name, and our label


@dataclass(frozen=True)
class _Mislabelled:
    """A file whose folder and name disagree, or do not say enough."""

    why: str


def read_folder(path: Path, with_test: bool) -> DataSet:
    """Read a folder with one folder per class, or with `train` and `test` folders that hold such folders.

    Args:
        with_test: also read the test folder, where there is one.
    Raises:
        DataError: there are fewer than two classes, or train and test have different ones.
    """
    root = path / "train" if (path / "train").is_dir() else path
    classes = _class_folders(root)
    if len(classes) < 2:
        raise DataError(
            f"{root} has {len(classes)} folders of films, expected NORMAL and PNEUMONIA, or one folder per class"
        )
    found = [(item, False) for folder in classes.values() for item in _labelled(folder, set(classes))]
    test = path / "test"
    if with_test and test.is_dir():
        if set(_class_folders(test)) != set(classes):
            raise DataError(f"{test} holds the classes {_names(_class_folders(test))}, {root} {_names(classes)}")
        found += [(item, True) for folder in _class_folders(test).values() for item in _labelled(folder, set(classes))]
    films = [
        LabelledFilm(file.name, label, patient_of(file.name), file, is_test)
        for (file, label), is_test in found
        if isinstance(label, str)
    ]
    faults = [f"{file.name}: {label.why}" for (file, label), _ in found if isinstance(label, _Mislabelled)]
    if set(classes) == KERMANY:
        return DataSet(path.name, LABELS, tuple(films), KERMANY_LICENCE, KERMANY_ATTRIBUTION, tuple(faults))
    labels = sorted(name.lower() for name in classes)
    attribution = f"films in a folder of {len(classes)} classes"
    return DataSet(path.name, tuple(labels), tuple(films), "not stated", attribution, tuple(faults))


def _class_folders(root: Path) -> dict[str, Path]:
    """The folder of each class. Hidden folders and those of a system or a notebook are none."""
    folders = (folder for folder in sorted(root.iterdir()) if folder.is_dir() and not is_service_name(folder.name))
    return {folder.name.upper(): folder for folder in folders}


def _names(folders: dict[str, Path]) -> str:
    return ", ".join(sorted(folders)) or "none"


def _labelled(folder: Path, classes: set[str]) -> list[tuple[Path, str | _Mislabelled]]:
    """Every film of a folder with its label, or the reason why it has none."""
    named = (file for file in folder.iterdir() if file.suffix.lower() in film_suffixes())
    files = sorted(file for file in named if not is_service_name(file.name) and file.is_file())
    if classes == KERMANY:
        return [(file, _kermany_label(file)) for file in files]
    return [(file, folder.name.lower()) for file in files]


def _kermany_label(file: Path) -> str | _Mislabelled:
    """The label by folder and name; the published names say which folder a film belongs to."""
    kinds = [label for word, label in KINDS if word in file.name.lower()]
    series = PATIENT_PATTERN.match(file.name)
    if file.parent.name.upper() == "NORMAL":
        if kinds or (series and series.group(1).startswith("person")):
            return _Mislabelled("it is in NORMAL and its name says pneumonia")
        return NORMAL
    if series and not series.group(1).startswith("person"):
        return _Mislabelled("it is in PNEUMONIA and its name says normal")
    if len(kinds) != 1:
        return _Mislabelled("it is in PNEUMONIA and its name says neither bacteria nor virus")
    return kinds[0]


LAYOUT = Layout(
    description="a folder of films",
    recognises=lambda source: Path(source).is_dir(),
    read=lambda source, with_test: read_folder(Path(source), with_test),
)
