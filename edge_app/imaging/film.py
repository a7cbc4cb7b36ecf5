"""Reading a film: from the bytes of a file to an 8-bit grayscale array.

Nothing here trusts the file. Its size is read before its pixels, every pixel is decoded, and any failure
becomes a `FilmUnreadable` with a code and a sentence.
"""

from pathlib import Path

import numpy as np

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging.formats.base import Film
from edge_app.imaging.formats.registry import film_formats, format_names

MAX_FILE_BYTES = 64 * 2**20


def read_film(source: Path | bytes, min_side_px: int | None = None) -> Film:
    """Decode one film.

    Args:
        source: a path, or the bytes of a file.
        min_side_px: when given, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as
            both sides stay at least this long. Saves time and memory on large films.
    Returns:
        The film, 8-bit grayscale, upright by its EXIF orientation.
    Raises:
        FilmUnreadable: missing, empty, not an image, damaged, too large or of several frames.
        FilmRefused: too small, blank, or a colour picture.
    """
    content = source if isinstance(source, bytes) else film_content(source)
    if not content:
        raise FilmUnreadable("empty_file", "The file is empty: export it from the X-ray machine again.")
    for film_format in film_formats():
        if film_format.recognises(content):
            film = film_format.read(content, min_side_px)
            _check_not_blank(film.pixels)
            return film
    *names, last = format_names()
    raise FilmUnreadable("not_an_image", f"This is no picture the kit reads; it reads {', '.join(names)} and {last}.")


def _check_not_blank(pixels: np.ndarray) -> None:
    if pixels.min() == pixels.max():
        raise FilmRefused("blank", "Every pixel of the picture is the same: nothing was exposed or exported.")


def film_content(path: Path) -> bytes:
    """The bytes of a file that is not larger than a film may be.

    Raises:
        FilmUnreadable: missing, a folder, too large, or not readable.
    """
    try:
        if path.is_dir():
            raise FilmUnreadable("not_a_file", "This is a folder, not a film.")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise FilmUnreadable(
                "file_too_large",
                f"The file has {size / 2**20:.0f} MiB, at most {MAX_FILE_BYTES // 2**20} are read.",
            )
        return path.read_bytes()
    except FileNotFoundError as cause:
        raise FilmUnreadable("missing", "There is no such file.") from cause
    except OSError as cause:
        raise FilmUnreadable("unreadable", f"The file cannot be read: {cause.strerror or cause}.") from cause
