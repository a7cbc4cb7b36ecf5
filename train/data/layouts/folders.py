"""Films in folders: one folder per class, perhaps inside folders for training, validation and test."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_app.errors import DataError
from edge_app.imaging.film_files import films_in, is_service_name
from edge_app.imaging.phantom import LABELS
from train.data.labelled import DRAWN, NORMAL, TEST, TRAIN, VALIDATION, DataSet, LabelledFilm, Layout
from train.data.patients import PUBLISHED, name_patients

PARTS = {
    TRAIN: TRAIN, "training": TRAIN, "val": VALIDATION, "valid": VALIDATION, VALIDATION: VALIDATION, "dev": VALIDATION,
    TEST: TEST, "testing": TEST,
}  # fmt: skip
KERMANY = {NORMAL, "pneumonia"}  # classes of this set, and of many others
KERMANY_LICENCE = "CC BY 4.0"
KERMANY_ATTRIBUTION = (
    "Kermany, Zhang, Goldbaum: Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for "
    "Classification, Mendeley Data v3, doi 10.17632/rscbjbr9sj.3; Cell 172:1122 (2018)"
)
KINDS = (("bacteria", "bacterial"), ("virus", "viral"))  # word in a file name, and our label


@dataclass(frozen=True)
class _Found:
    """A film's file, and what the folders above it say: part of the set, and class in small letters."""

    file: Path
    part: str
    label: str


def read_folder(path: Path, with_test: bool, patients: str = "") -> DataSet:
    """Read a folder with one folder per class, or with `train`, `val` and `test` that hold such folders.

    The classes are the folders, in small letters. `NORMAL` and `PNEUMONIA` are three classes where the names of most
    films of `PNEUMONIA` say bacteria or virus.

    Args:
        with_test: also read the test folder, where there is one.
        patients: rule of `train.data.patients`.
    Raises:
        DataError: there are fewer than two classes, the parts have different ones, or the rule does not fit.
    """
    named = [(PARTS.get(folder.name.lower(), ""), folder) for folder in _folders(path)]
    parts = [(part, folder) for part, folder in named if part]
    if all(part != TRAIN for part, _ in parts):
        if parts and len(parts) == len(named):
            raise DataError(
                f"{path} holds {' and '.join(folder.name for _, folder in parts)}, no train: name one of them"
            )
        parts = [(TRAIN, path)]
    parts = [(part, folder) for part, folder in parts if with_test or part != TEST]
    found = [film for part, folder in parts for film in _films(part, folder)]
    labels = _classes(parts)
    told = [_kind(film.file) for film in found if film.label == "pneumonia"]
    three = labels == KERMANY and 2 * sum(map(bool, told)) > len(told)
    faults = {film: _mislabelled(film) for film in found} if three else {}
    films = [film for film in found if not faults.get(film)]
    places = [film.file.relative_to(path).as_posix() for film in films]
    names, rule = name_patients(places, patients, depth=1 if parts[0][1] == path else 2)
    drawn = (path / DRAWN).exists()
    published = not drawn and three and 2 * sum(bool(PUBLISHED.match(film.file.name)) for film in films) > len(films)
    return DataSet(
        name=path.name,
        labels=LABELS if three else tuple(sorted(labels)),
        films=tuple(
            LabelledFilm(film.file.name, (three and _kind(film.file)) or film.label, patient, film.file, film.part)
            for film, patient in zip(films, names, strict=True)
        ),
        licence=KERMANY_LICENCE if published else "not stated",
        attribution=KERMANY_ATTRIBUTION if published else f"films in a folder of {len(labels)} classes",
        drawn=drawn,
        faults=tuple(f"{film.file.parent.name}/{film.file.name}: {why}" for film, why in faults.items() if why),
        notes=(*_kinds_note(labels, told, three), rule, *_left_out(path, parts, {film.file for film in found})),
    )


def _folders(root: Path) -> list[Path]:
    """The folders of a folder; hidden ones, and those of a system or a notebook, are none."""
    return [folder for folder in sorted(root.iterdir()) if folder.is_dir() and not is_service_name(folder.name)]


def _classes(parts: list[tuple[str, Path]]) -> set[str]:
    """The class folders, in small letters; the same in every part, but one for validation may lack some."""
    training = next(folder for part, folder in parts if part == TRAIN)
    names = Counter(folder.name.lower() for folder in _folders(training))
    labels = set(names)
    if len(labels) < 2:
        inner = next((folder for folder in _folders(training) if len(_folders(folder)) > 1), None)
        hint = f"; is it {inner}?" if inner else ""
        raise DataError(
            f"{training} has {len(labels)} folders of films, expected one folder per class, such as NORMAL and "
            f"PNEUMONIA{hint}"
        )
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise DataError(f"{training} has several folders called {twice[0]} in capitals and small letters: rename one")
    for part, folder in parts:
        here = {each.name.lower() for each in _folders(folder)}
        if here - labels or (part == TEST and here != labels):
            wrong, expected = (", ".join(sorted(each)).upper() or "none" for each in (here, labels))
            raise DataError(f"{folder} holds the classes {wrong}, {training} {expected}")
    return labels


def _films(part: str, root: Path) -> Iterator[_Found]:
    for folder in _folders(root):
        yield from (_Found(file, part, folder.name.lower()) for file in films_in(folder))


def _left_out(path: Path, parts: list[tuple[str, Path]], films: set[Path]) -> Iterator[str]:
    """What lies there and is no film: hidden and system files, folders next to the parts, other files."""
    above = {path, *(folder for _, folder in parts)}
    if path not in dict(parts).values():
        others = [folder for folder in _folders(path) if folder.name.lower() not in PARTS]
        yield from (f"{folder.name}/ left out: it is next to the folder for training" for folder in others)
    entries = [(entry, False) for folder in above for entry in folder.iterdir()]
    classes = [folder for _, part in parts for folder in _folders(part)]
    entries += [(entry, entry.is_symlink()) for folder in classes for entry in folder.rglob("*")]
    service, strange = set(), set()
    for entry, is_link in entries:
        below = entry.relative_to(path)
        hidden = next((row for row, name in enumerate(below.parts) if is_service_name(name)), None)
        if hidden is not None:
            service.add("/".join(below.parts[: hidden + 1]))
        elif entry not in films and (is_link or not entry.is_dir()):
            strange.add(below.as_posix())
    for kind, names in (("hidden or of a system", sorted(service)), ("no films", sorted(strange))):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            yield f"{len(names)} files or folders left out, {kind}: {', '.join(names[:3])}{more}"


def _kind(file: Path) -> str:
    """Bacterial or viral, if the name says one of them."""
    kinds = [label for word, label in KINDS if word in file.name.lower()]
    return kinds[0] if len(kinds) == 1 else ""


def _kinds_note(labels: set[str], told: list[str], three: bool) -> Iterator[str]:
    if labels == KERMANY and not three:
        yield f"two classes: {sum(map(bool, told))} of {len(told)} names in PNEUMONIA say bacteria or virus, under half"


def _mislabelled(film: _Found) -> str:
    """Why folder and published name do not give a film of three classes a label; empty if they do."""
    says_pneumonia = any(word in film.file.name.lower() for word, _ in KINDS)
    series = PUBLISHED.match(film.file.name)
    if film.label == NORMAL:
        says_pneumonia |= bool(series and series.group(1).startswith("person"))
        return "it is in NORMAL and its name says pneumonia" if says_pneumonia else ""
    if series and not series.group(1).startswith("person"):
        return "it is in PNEUMONIA and its name says normal"
    return "" if _kind(film.file) else "it is in PNEUMONIA and its name says neither bacteria nor virus"


LAYOUT = Layout(
    description="a folder of films",
    recognises=lambda source: Path(source).is_dir(),
    read=lambda source, with_test, patients: read_folder(Path(source), with_test, patients),
)
