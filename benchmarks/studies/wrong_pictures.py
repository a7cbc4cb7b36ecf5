"""The pictures for `benchmarks rejection`: films, turned or cut films, and pictures that are not films."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from edge_app.errors import DataError, FilmError
from train.data.sources import find_data
from train.data.split import VALIDATION, read_manifest

SIDE_PX = 320
SEED = 0
AS_THEY_ARE = "as they are"


def enlarged(cut: np.ndarray) -> np.ndarray:
    """Three times as large, so that part of a small film is not refused for its size alone."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(cut)).resize((3 * cut.shape[1], 3 * cut.shape[0])))


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    AS_THEY_ARE: lambda film: film,
    "upside down": lambda film: np.rot90(film, 2),
    "on the left side": lambda film: np.rot90(film, 1),
    "on the right side": lambda film: np.rot90(film, 3),
    "inverted": lambda film: 255 - film,
    "mirrored": lambda film: film[:, ::-1],
    "upper third alone": lambda film: enlarged(film[: len(film) // 3]),
    "lower third alone": lambda film: enlarged(film[-(len(film) // 3) :]),
    "upper half alone": lambda film: enlarged(film[: len(film) // 2]),
    "lower half alone": lambda film: enlarged(film[len(film) // 2 :]),
    "one side alone": lambda film: film[:, : film.shape[1] // 2],
    "one quarter alone": lambda film: film[: len(film) // 2, : film.shape[1] // 2],
}


def read_films(data: str, manifest: Path | None, most: int) -> list[np.ndarray]:
    """Decoded films, uint8 (height, width), spread evenly over the set; unreadable ones are left out.

    Args:
        data: films, as `--data`.
        manifest: of a run; only its validation films are used.
        most: how many at most.
    Raises:
        DataError: there are none.
    """
    films = list(find_data(data).films)
    if manifest:
        held_out = {film["name"] for film in read_manifest(manifest).films if film["part"] == VALIDATION}
        films = [film for film in films if film.name in held_out]
    found = []
    for film in films[:: max(1, len(films) // most)][:most]:
        try:
            found.append(film.read().pixels)
        except FilmError:
            continue
    if not found:
        of = f" of {manifest}" if manifest else " that can be read"
        raise DataError(f"{data} holds no film{of}: give --data the films that the model was trained on")
    return found


def drawn_kinds(count: int) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Pictures without anatomy; a model must not score them."""
    random = np.random.default_rng(SEED)
    down, across = np.mgrid[0:SIDE_PX, 0:SIDE_PX] / SIDE_PX
    noise = [random.integers(0, 256, (SIDE_PX, SIDE_PX)) for _ in range(count)]
    ramps = [across * np.cos(turn) + down * np.sin(turn) for turn in random.uniform(0, 2 * np.pi, count)]
    blots = [random.normal(size=(8, 8)) for _ in range(count)]
    yield "blank", [np.full((SIDE_PX, SIDE_PX), level) for level in np.linspace(0, 255, count)]
    yield "noise", noise
    yield "gray ramp", [_grainy(ramp, random) for ramp in ramps]
    yield "clouds", [_grainy(_enlarged(blot), random) for blot in blots]


def other_kinds(folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    """The files of every subfolder, as they are.

    Raises:
        DataError: there is no subfolder.
    """
    kinds = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not kinds:
        raise DataError(f"{folder} holds no folder: make one for each kind, with pictures in it")
    for kind in kinds:
        yield kind.name, [path.read_bytes() for path in sorted(kind.iterdir()) if path.is_file()]


def as_file(pixels: np.ndarray) -> bytes:
    """Gray levels 0..255 (height, width) as the bytes of a BMP file."""
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels).astype(np.uint8)).save(content, "BMP")
    return content.getvalue()


def _grainy(levels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    stretched = 20 + 210 * (levels - levels.min()) / np.ptp(levels)
    return np.clip(stretched + random.normal(0, 4, levels.shape), 0, 255)


def _enlarged(values: np.ndarray) -> np.ndarray:
    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))
