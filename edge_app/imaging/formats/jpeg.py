"""JPEG, the format of most films outside a hospital's archive; large ones are decoded at reduced scale."""

import dataclasses
import io

from PIL import Image

from edge_app.imaging.codestream import check_scans
from edge_app.imaging.formats.base import Film, FilmFormat
from edge_app.imaging.formats.pillow import film_of, opened

START = b"\xff\xd8\xff"
# EXIF: what only a camera writes. A scanner or an export writes a maker at most.
CAMERA_FOLDER = 0x8769
EXPOSURE_TIME, APERTURE, FOCAL_LENGTH = 0x829A, 0x829D, 0x920A


def read(content: bytes, min_side_px: int | None) -> Film:
    """Decode at 1/2, 1/4 or 1/8 of the size as long as both sides stay at least `min_side_px` long.

    A camera may have put a preview behind the picture (MPF): the first picture is the film.
    """
    from PIL import JpegImagePlugin

    check_scans(content)
    # `Image.open` would load the code of five formats first, and take a JPEG with a preview for a film of two frames.
    image = opened(lambda: JpegImagePlugin.JpegImageFile(io.BytesIO(content)))
    size, photograph = image.size, is_photograph(image)
    if min_side_px:
        image.draft(None, _draft_size(size, min_side_px))
    film = film_of(image, size)
    return dataclasses.replace(film, notes=("photograph",)) if photograph else film


def is_photograph(image: Image.Image) -> bool:
    """Whether a camera took the picture, by its EXIF data."""
    try:
        camera = image.getexif().get_ifd(CAMERA_FOLDER) if "exif" in image.info else {}
        return any(tag in camera for tag in (EXPOSURE_TIME, APERTURE, FOCAL_LENGTH))
    except Exception:  # a damaged EXIF block may raise anything; the picture itself may be intact
        return False


def _draft_size(size: tuple[int, int], min_side_px: int) -> tuple[int, int]:
    """The size to request from the JPEG decoder; never below what the caller needs."""
    scale = min_side_px / min(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


FORMAT = FilmFormat(
    "JPEG",
    (".jpg", ".jpeg", ".jpe", ".jfif"),
    lambda content: content.startswith(START),
    read,
    is_safe=lambda _: True,  # size and scans are checked first
)
