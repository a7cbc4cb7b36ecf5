"""TIFF, of 8, 16 or 32 bits."""

import io
from typing import Any

from PIL import Image

from edge_app.errors import FilmUnreadable
from edge_app.imaging.formats.base import Film, FilmFormat
from edge_app.imaging.formats.pillow import film_of, opened
from edge_app.imaging.limits import MAX_PAGES

# Both byte orders, the two wrong ways in which some programs write them, and BigTIFF, as in Pillow.
STARTS = (b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+")
NEW_SUBFILE_TYPE, PHOTOMETRIC = 254, 262
REDUCED = 1  # bit of NEW_SUBFILE_TYPE: the page is a small version of another
WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1  # of PHOTOMETRIC


def read(content: bytes, _: int | None) -> Film:
    """Decode the film at full size; pages that say that they are previews are no films."""
    from PIL import TiffImagePlugin  # without it `Image.open` would import every plug-in

    _add_white_is_zero(TiffImagePlugin.OPEN_INFO)
    image = opened(lambda: Image.open(io.BytesIO(content), formats=("TIFF",)), count_films)
    return film_of(image, image.size, white_is_zero=_tag(image, PHOTOMETRIC) == WHITE_IS_ZERO)


def _add_white_is_zero(layouts: dict[Any, Any]) -> None:
    """Let Pillow open more than 8 bits with white as zero wherever it opens them with black as zero."""
    for (order, photometric, kind, fill, bits, extra), mode in list(layouts.items()):
        if photometric == BLACK_IS_ZERO and bits[0] > 8:
            layouts.setdefault((order, WHITE_IS_ZERO, kind, fill, bits, extra), mode)


def count_films(image: Image.Image) -> int:
    """How many pages are no previews; the first one that is none is then the current page.

    Raises:
        FilmUnreadable: too many pages.
    """
    films = []
    for page in range(MAX_PAGES + 1):
        try:
            image.seek(page)
        except EOFError:
            break
        if page == MAX_PAGES:
            raise FilmUnreadable("several_frames", "The file holds many pictures; export one film per file.")
        if not int(_tag(image, NEW_SUBFILE_TYPE) or 0) & REDUCED:
            films.append(page)
    image.seek(films[0] if films else 0)
    return max(len(films), 1)


def _tag(image: Image.Image, number: int) -> Any:
    return getattr(image, "tag_v2", {}).get(number)  # every TIFF has one


FORMAT = FilmFormat("TIFF", (".tif", ".tiff"), lambda content: content.startswith(STARTS), read)
