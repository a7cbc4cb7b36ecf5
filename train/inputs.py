"""Films to arrays, through the device's own preprocessing: parity by construction."""

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from edge_app.errors import DataError, FilmError
from edge_app.files import sha256_of
from edge_app.preprocess import to_model_pixels
from train.data import DataSet, LabelledFilm


@dataclass(frozen=True)
class LoadedFilms:
    """Films ready for the model, row by row.

    `pixels` is uint8 (films, size, size); `classes` int64 (films,), an index into the data set's
    labels; `hashes` the SHA-256 of each decoded film, by which duplicates are found.
    """

    films: tuple[LabelledFilm, ...]
    pixels: np.ndarray
    classes: np.ndarray
    hashes: tuple[str, ...]

    def only(self, rows: np.ndarray) -> "LoadedFilms":
        """The films of some rows, in that order."""
        return LoadedFilms(
            films=tuple(self.films[row] for row in rows),
            pixels=self.pixels[rows],
            classes=self.classes[rows],
            hashes=tuple(self.hashes[row] for row in rows),
        )


def load_films(data: DataSet, size_px: int, strict: bool = False) -> LoadedFilms:
    """Decode and preprocess every film of a data set.

    Args:
        size_px: side of the model's input.
        strict: refuse the data set when a film cannot be read; otherwise list and skip such films.
    Raises:
        DataError: a film cannot be read and `strict` is set, or a class has no readable film.
    """
    progress: Iterable = tqdm(data.films, desc="reading films", file=sys.stderr, disable=not sys.stderr.isatty())
    # Pillow lets go of the lock while it decodes, so threads use both cores.
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda film: _loaded(film, size_px), progress))
    pairs = list(zip(data.films, results, strict=True))
    faults = [(film, result) for film, result in pairs if isinstance(result, FilmError)]
    loaded = [(film, result) for film, result in pairs if not isinstance(result, FilmError)]
    for film, error in faults:
        print(f"train: skipped {film.name}: {error.sentence} ({error.code})", file=sys.stderr)
    if faults and strict:
        raise DataError(f"{len(faults)} films of {data.name} cannot be used, see above: repair or remove them")
    missing = set(data.labels) - {film.label for film, _ in loaded}
    if missing:
        raise DataError(f"{data.name} has no readable film of class {', '.join(sorted(missing))}")
    return LoadedFilms(
        films=tuple(film for film, _ in loaded),
        pixels=np.stack([pixels for _, (pixels, _) in loaded]),
        classes=np.array([data.labels.index(film.label) for film, _ in loaded]),
        hashes=tuple(digest for _, (_, digest) in loaded),
    )


def _loaded(film: LabelledFilm, size_px: int) -> tuple[np.ndarray, str] | FilmError:
    try:
        decoded = film.read().pixels
    except FilmError as error:
        return error
    return to_model_pixels(decoded, size_px), sha256_of(decoded.tobytes() + str(decoded.shape).encode())
