"""The list of formats. To add one, write its file with a `FORMAT` and add its name here."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module

from edge_app.imaging.formats.base import FilmFormat

NAMES = (
    "dicom",  # first: the first 128 bytes of a DICOM file may be anything, even the header of a TIFF
    "jpeg",
    "png",
    "tiff",
    "bmp",
    "webp",
)


def film_formats() -> Iterator[FilmFormat]:
    """Every format in this order, each imported only when reached: a cold start needs one or two."""
    for name in NAMES:
        yield import_module(f"edge_app.imaging.formats.{name}").FORMAT


def format_names() -> list[str]:
    """The names of all formats for people, pictures before DICOM."""
    first, *others = (film_format.name for film_format in film_formats())
    return [*others, first]


@cache
def film_suffixes() -> frozenset[str]:
    """The suffixes of all formats, in lower case with a dot."""
    return frozenset(suffix for film_format in film_formats() for suffix in film_format.suffixes)
