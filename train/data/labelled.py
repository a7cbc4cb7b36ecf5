"""A labelled film and a set of them, into which every layout of a data set is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from edge_app.errors import DataError
from edge_app.imaging.film import read_film
from edge_app.imaging.formats.base import Film

PHANTOM = "phantom"
DRAWN = "drawn-films.txt"  # in a folder of drawn films
NORMAL = "normal"
TRAIN, VALIDATION, TEST = "train", "validation", "test"
# What the class without the finding is usually called, in small letters and digits alone.
NORMAL_NAMES = frozenset((
    "normal", "normals", "no", "none", "negative", "neg", "healthy", "control", "controls", "without", "absent",
    "clear", "unremarkable", "nofinding", "nofindings", "nopneumonia", "notpneumonia", "nonpneumonia", "0",
))  # fmt: skip


@dataclass(frozen=True)
class Classes:
    """What a model distinguishes: the classes in the order of its logits, and the one without the finding."""

    labels: tuple[str, ...]
    negative: str

    @property
    def negative_index(self) -> int:
        """Index in `labels` of the class without the finding."""
        return self.labels.index(self.negative)


@dataclass(frozen=True)
class LabelledFilm:
    """One film of a data set. `source` is a path, or the pixels of a drawn or packed film, gray or in colour."""

    name: str
    label: str
    patient: str
    source: Path | np.ndarray
    part: str = TRAIN  # where its publisher put it; a set without parts is all TRAIN
    site: str = ""  # the hospital, where the data set has several

    @property
    def is_test(self) -> bool:
        """True when its publisher put it into the test part."""
        return self.part == TEST

    @property
    def place(self) -> str:
        """The name with the folder before it, for messages."""
        return "/".join(self.source.parts[-2:]) if isinstance(self.source, Path) else self.name

    def read(self) -> Film:
        """Decode it as the device would.

        Raises:
            FilmError: it cannot be read or is refused.
        """
        if isinstance(self.source, Path):
            return read_film(self.source)
        pixels = self.source if self.source.ndim == 2 else np.asarray(Image.fromarray(self.source).convert("L"))
        return Film(pixels=pixels, width_px=pixels.shape[1], height_px=pixels.shape[0])


@dataclass(frozen=True)
class DataSet:
    """Films with their labels. `labels` gives the classes in the order of the logits.

    `faults` names each film that was left out, and says why. `notes` are sentences for people: what was
    guessed, and which files are no films.
    """

    name: str
    labels: tuple[str, ...]
    films: tuple[LabelledFilm, ...]
    licence: str
    attribution: str
    faults: tuple[str, ...] = ()
    negative: str = NORMAL  # the class without the finding; it comes first
    notes: tuple[str, ...] = ()
    drawn: bool = False  # by this kit, and written to a folder

    @property
    def classes(self) -> Classes:
        """Its classes, with the negative one."""
        return Classes(self.labels, self.negative)

    @property
    def is_phantom(self) -> bool:
        """True when the films, or those of one of the sources, are drawings."""
        return self.drawn or PHANTOM in (self.name, *(film.site for film in self.films))


@dataclass(frozen=True)
class Layout:
    """One way that a data set may be laid out; `train.data.sources` lists them all.

    `recognises(source)` says whether `--data SOURCE` has this layout, before any film is read.
    `read(source, with_test, patients)` gives the films; those of a test part only if `with_test` is set.
    `patients` is a rule of `train.data.patients`, or empty.
    """

    description: str  # ends the message "expected ..."
    recognises: Callable[[str], bool]
    read: Callable[[str, bool, str], DataSet]


def is_normal(label: str) -> bool:
    """Whether a class's name says that there is no finding."""
    return re.sub("[^a-z0-9]", "", label.lower()) in NORMAL_NAMES


def with_negative(data: DataSet, negative: str = "") -> DataSet:
    """The same films with this class as the one without the finding; "" takes the one that `NORMAL_NAMES` knows.

    Raises:
        DataError: there is no such class, or none or several have such a name.
    """
    known = [label for label in data.labels if is_normal(label)]
    chosen, classes = negative.lower() or (known[0] if len(known) == 1 else ""), ", ".join(data.labels)
    if negative and chosen not in data.labels:
        raise DataError(f"{data.name} has no class {chosen!r} for --normal; it has {classes}")
    if not chosen:
        raise DataError(
            f"{data.name} has the classes {classes}; {'several names say' if known else 'no name says'} normal: name "
            "the class without the finding with --normal CLASS, or call it normal"
        )
    note = () if negative or chosen == NORMAL else (f"class {chosen!r} counts as normal by its name (--normal CLASS)",)
    labels = tuple(sorted(data.labels, key=lambda label: label != chosen))
    return replace(data, labels=labels, negative=chosen, notes=data.notes + note)
