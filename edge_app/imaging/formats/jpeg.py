"""JPEG, the format of most films outside a hospital's archive; large ones are decoded at reduced scale."""

import io

from edge_app.imaging.formats.base import Film, FilmFormat
from edge_app.imaging.formats.pillow import film_of, opened

START = b"\xff\xd8\xff"


def read(content: bytes, min_side_px: int | None) -> Film:
    """Decode at 1/2, 1/4 or 1/8 of the size as long as both sides stay at least `min_side_px` long."""
    from PIL import JpegImagePlugin

    # `Image.open` would load the code of five formats first.
    image = opened(lambda: JpegImagePlugin.jpeg_factory(io.BytesIO(content)))
    size = image.size
    if min_side_px and image.format == "JPEG":
        image.draft(None, _draft_size(size, min_side_px))
    return film_of(image, size)


def _draft_size(size: tuple[int, int], min_side_px: int) -> tuple[int, int]:
    """The size to request from the JPEG decoder; never below what the caller needs."""
    scale = min_side_px / min(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


FORMAT = FilmFormat("JPEG", (".jpg", ".jpeg"), lambda content: content.startswith(START), read)
