"""A labelled film and a set of them, into which every layout of a data set is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_app.errors import DataError
from edge_app.imaging.film import read_film
from edge_app.imaging.formats.base import Film

PATIENT_PATTERN = re.compile(r"(person\d+|NORMAL2-IM-\d+|IM-\d+)")
PHANTOM = "phantom"
NORMAL = "normal"


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
    """One film of a data set. `source` is a path, or the pixels of a drawn or packed film."""

    name: str
    label: str
    patient: str
    source: Path | np.ndarray
    is_test: bool = False  # its publisher put it into the test folder
    site: str = ""  # the hospital, where the data set has several

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
    """Films with their labels. `labels` gives the classes in the order of the logits.

    `faults` names each file that was left out, and says why.
    """

    name: str
    labels: tuple[str, ...]
    films: tuple[LabelledFilm, ...]
    licence: str
    attribution: str
    faults: tuple[str, ...] = ()
    negative: str = NORMAL  # the class without the finding; it comes first where folders name the classes

    @property
    def classes(self) -> Classes:
        """Its classes, with the negative one."""
        return Classes(self.labels, self.negative)

    @property
    def is_phantom(self) -> bool:
        """True when the films, or those of one of the sources, are drawings."""
        return PHANTOM in (self.name, *(film.site for film in self.films))


@dataclass(frozen=True)
class Layout:
    """One way that a data set may be laid out; `train.data.sources` lists them all.

    `recognises(source)` says whether `--data SOURCE` has this layout, before any film is read.
    `read(source, with_test)` gives the films; those of a test folder only if `with_test` is set.
    """

    description: str  # ends the message "expected ..."
    recognises: Callable[[str], bool]
    read: Callable[[str, bool], DataSet]


def with_negative(data: DataSet, negative: str) -> DataSet:
    """The same films with this class as the one without the finding; "" means `normal`, or else the first.

    Raises:
        DataError: there is no such class.
    """
    chosen = negative.lower() or (NORMAL if NORMAL in data.labels else data.labels[0])
    if chosen not in data.labels:
        raise DataError(f"{data.name} has no class {chosen!r} for --negative; it has {', '.join(data.labels)}")
    labels = tuple(sorted(data.labels, key=lambda label: label != chosen))
    return replace(data, labels=labels, negative=chosen)


def patient_of(name: str) -> str:
    """The patient in a published file name; an unknown name counts as a patient of its own."""
    found = PATIENT_PATTERN.match(name)
    return found.group(1) if found else name
