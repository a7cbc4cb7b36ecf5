"""Reading a film: from the bytes of a file to an 8-bit grayscale array.

Nothing here trusts the file. Its size is read before its pixels, every pixel is decoded, and any failure
becomes a `FilmUnreadable` with a code and a sentence. A decoder in C can still crash: `edge_app.imaging.decoder`
runs this where that harms nothing.
"""

from dataclasses import replace
from pathlib import Path

from edge_app.errors import FilmUnreadable
from edge_app.imaging.formats.base import Film, FilmFormat
from edge_app.imaging.formats.registry import film_formats, format_names
from edge_app.imaging.gray_levels import check_gray_levels, check_not_blank
from edge_app.imaging.limits import MAX_FILE_BYTES, MIB
from edge_app.imaging.preprocess import reduced


def read_film(source: Path | bytes, min_side_px: int | None = None) -> Film:
    """Decode one film in this process.

    Args:
        source: a path, or the bytes of a file.
        min_side_px: when given, a film comes at 1/2, 1/4 or 1/8 of its size as long as both sides stay at
            least this long. Saves time and memory on large films.
    Returns:
        The film, 8-bit grayscale, upright by its EXIF orientation.
    Raises:
        FilmUnreadable: missing, empty, not an image, damaged, too large or of several frames.
        FilmRefused: too small, blank, a colour picture, or without a film's gray levels.
    """
    content = content_of(source)
    film = format_of(content).read(content, min_side_px)
    check_not_blank(film.pixels)
    check_gray_levels(film.pixels)
    return replace(film, pixels=reduced(film.pixels, min_side_px)) if min_side_px else film


def format_of(content: bytes) -> FilmFormat:
    """The format of a file, by its content.

    Raises:
        FilmUnreadable: it is none that the kit reads.
    """
    if not content:
        raise FilmUnreadable("empty_file", "The file is empty: export it from the X-ray machine again.")
    for film_format in film_formats():
        if film_format.recognises(content):
            return film_format
    *names, last = format_names()
    raise FilmUnreadable("not_an_image", f"This is no picture the kit reads; it reads {', '.join(names)} and {last}.")


def content_of(source: Path | bytes) -> bytes:
    """The bytes of a film, which may be given as a path; raises as `film_content`."""
    return source if isinstance(source, bytes) else film_content(source)


def film_content(path: Path) -> bytes:
    """The bytes of a file that is not larger than a film may be.

    Raises:
        FilmUnreadable: missing, no regular file, too large, or not readable.
    """
    try:
        if path.is_dir():
            raise FilmUnreadable("not_a_file", "This is a folder, not a film.")
        if path.exists() and not path.is_file():  # reading a pipe or a device may never end
            raise FilmUnreadable("not_a_file", "This is no regular file, and not a film.")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise FilmUnreadable(
                "file_too_large", f"The file has {size / MIB:.0f} MiB, at most {MAX_FILE_BYTES // MIB} are read."
            )
        return path.read_bytes()
    except FileNotFoundError as cause:
        raise FilmUnreadable("missing", "There is no such file.") from cause
    except (OSError, ValueError) as cause:  # ValueError: a name with a null character
        reason = getattr(cause, "strerror", None) or cause
        raise FilmUnreadable("unreadable", f"The file cannot be read: {reason}.") from cause
    except MemoryError as cause:
        raise FilmUnreadable(
            "no_memory", "This device has too little free memory for the film: export it smaller."
        ) from cause
