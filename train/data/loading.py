"""Films to arrays, through the device's own preprocessing: parity by construction."""

import logging
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np
from tqdm import tqdm

from edge_app.errors import DataError, FilmError
from edge_app.imaging.lung_field import LungField
from edge_app.model.preparation import Preparation
from edge_app.system.files import sha256_of
from train.data.on_disk import stack_on_disk
from train.data.sources import DataSet, LabelledFilm

LOG = logging.getLogger(__name__)
# The model's pixels of one film, its lung field, and the hash of the film's own pixels.
_Prepared = tuple[np.ndarray, LungField | None, str]


@dataclass(frozen=True)
class LoadedFilms:
    """Films ready for the model, row by row.

    `pixels` is uint8 (films, size, size); `classes` int64 (films,), an index into the data set's
    labels; `hashes` the SHA-256 of each decoded film, by which duplicates are found; `fields` the
    lung fields, each None where the model sees whole films.
    """

    films: tuple[LabelledFilm, ...]
    pixels: np.ndarray
    classes: np.ndarray
    hashes: tuple[str, ...]
    fields: tuple[LungField | None, ...]

    @property
    def sites(self) -> np.ndarray:
        """The hospital of each film, str (films,); all "" where there is only one."""
        return np.array([film.site for film in self.films] or [""] * len(self.pixels))

    def only(self, rows: np.ndarray) -> "LoadedFilms":
        """The films of some rows, in that order."""
        return LoadedFilms(
            films=tuple(self.films[row] for row in rows),
            pixels=stack_on_disk((self.pixels[row] for row in rows), len(rows)),
            classes=self.classes[rows],
            hashes=tuple(self.hashes[row] for row in rows),
            fields=tuple(self.fields[row] for row in rows),
        )


def load_films(data: DataSet, preparation: Preparation, strict: bool = False) -> LoadedFilms:
    """Decode and prepare every film of a data set.

    A film is left out, and logged, when it cannot be read, when no lungs are found on it, when folder
    and name disagree on its label, or when the same pixels are there under another label.

    Args:
        preparation: of the model that will see them.
        strict: refuse the data set when a film would be left out.
    Raises:
        DataError: a film would be left out and `strict` is set, or a class has no film left.
    """
    read: list[tuple[LabelledFilm, LungField | None, str]] = []
    unreadable = []

    def pixels_of(results: Iterable[_Prepared | FilmError]) -> Iterator[np.ndarray]:
        for film, result in zip(data.films, results, strict=True):
            if isinstance(result, FilmError):
                unreadable.append(f"{film.place}: {result.sentence} ({result.code})")
            else:
                read.append((film, *result[1:]))
                yield result[0]

    # Pillow releases the lock while it decodes, so threads use all cores.
    with ThreadPoolExecutor() as pool:
        lock = Lock()
        results = pool.map(lambda film: _prepared(film, preparation, lock), data.films)
        bar = {"desc": "reading films", "total": len(data.films), "disable": not sys.stderr.isatty()}
        try:
            pixels = stack_on_disk(pixels_of(tqdm(results, file=sys.stderr, **bar)), len(data.films))
        except BaseException:
            pool.shutdown(cancel_futures=True)  # a full disk is said at once, not after every film was decoded
            raise
    loaded = LoadedFilms(
        films=tuple(film for film, *_ in read),
        pixels=pixels,
        classes=np.array([data.labels.index(film.label) for film, *_ in read]),
        hashes=tuple(digest for *_, digest in read),
        fields=tuple(field for _, field, _ in read),
    )
    kept, contradictions = _without_contradictions(loaded)
    _report([*data.faults, *unreadable, *contradictions], data.name, strict)
    missing = set(data.labels) - {loaded.films[row].label for row in kept}
    if missing:
        none = sum("(no_lungs)" in fault for fault in unreadable)
        hint = f"; {none} films show no lungs: --locator none takes whole films of any body part" if none else ""
        raise DataError(f"{data.name} has no usable film of class {', '.join(sorted(missing))}{hint}")
    return loaded.only(np.array(kept)) if contradictions else loaded


def _report(faults: list[str], name: str, strict: bool) -> None:
    """List what is left out, or refuse it."""
    for fault in faults:
        LOG.warning("%s %s", "refused" if strict else "skipped", fault)
    if faults and strict:
        raise DataError(f"{len(faults)} films of {name} cannot be used, see above: repair or remove them")


def _without_contradictions(loaded: LoadedFilms) -> tuple[list[int], list[str]]:
    """Rows of the films that stay, and the others: their pixels appear under two labels, and one label is wrong."""
    names: dict[str, dict[str, str]] = defaultdict(dict)  # pixels to label to a film
    for film, digest in zip(loaded.films, loaded.hashes, strict=True):
        names[digest].setdefault(film.label, film.place)
    kept, contradictions = [], []
    for row, (film, digest) in enumerate(zip(loaded.films, loaded.hashes, strict=True)):
        if others := [f"{name} ({label})" for label, name in names[digest].items() if label != film.label]:
            contradictions.append(f"{film.place} ({film.label}): mislabelled? the same pixels are {', '.join(others)}")
        else:
            kept.append(row)
    return kept, contradictions


def _prepared(film: LabelledFilm, preparation: Preparation, lock: Lock) -> _Prepared | FilmError:
    try:
        decoded = film.read().pixels
        with lock:  # a locator runs one film at a time
            pixels, located = preparation.prepare(decoded)
    except FilmError as error:
        return error
    return pixels, located.field if located else None, sha256_of(decoded.tobytes() + str(decoded.shape).encode())
