"""The list of formats. To add one, write its file with a `FORMAT` and add its name here."""

from importlib import import_module

from edge_app.imaging.formats.base import FilmFormat

FORMATS: tuple[FilmFormat, ...] = tuple(
    import_module(f"edge_app.imaging.formats.{name}").FORMAT
    for name in (
        "dicom",  # first: the first 128 bytes of a DICOM file may be anything, also the head of a TIFF
        "jpeg",
        "png",
        "tiff",
        "bmp",
        "webp",
    )
)
SUFFIXES = frozenset(suffix for film_format in FORMATS for suffix in film_format.suffixes)
