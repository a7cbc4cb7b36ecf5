"""What every film format provides: a decoded `Film`, and a `FilmFormat` for the registry."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_app.errors import FilmRefused, FilmUnreadable

MAX_PIXELS = 40_000_000  # 6,300 x 6,300; a large digital plate has about 15 million
MIN_SIDE_PX = 96


@dataclass(frozen=True)
class DicomOrigin:
    """The UIDs of a DICOM film and of its study, each a valid one; they do not identify the patient."""

    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    series_uid: str


@dataclass(frozen=True)
class Film:
    """A decoded film.

    `pixels` is uint8, shape (height, width), bright is dense. `width_px` and `height_px` are the
    size of the original, which is larger than `pixels` when a JPEG was decoded at reduced scale.
    `age_years` is the patient's, if a DICOM file states it. `dicom_origin` is set if a DICOM file has all four
    UIDs.
    """

    pixels: np.ndarray
    width_px: int
    height_px: int
    age_years: float | None = None
    dicom_origin: DicomOrigin | None = None


@dataclass(frozen=True)
class FilmFormat:
    """One format.

    `name` is for messages. `suffixes` are lower case and begin with a dot, the usual one first.
    `recognises` takes the bytes of a file. `read` takes them and the shortest side in pixels
    that the caller needs, None for the full size; it raises `FilmError`.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, int | None], Film]


def check_size(width_px: int, height_px: int, max_pixels: int = MAX_PIXELS, min_side_px: int = MIN_SIDE_PX) -> None:
    """Check the size that a header states, before any pixel is decoded.

    Raises:
        FilmUnreadable: more than `max_pixels`.
        FilmRefused: a side is shorter than `min_side_px`.
    """
    size = f"The picture has {width_px} x {height_px} pixels"
    if width_px * height_px > max_pixels:
        raise FilmUnreadable("too_many_pixels", f"{size}, at most {max_pixels:,} are read.")
    if min(width_px, height_px) < min_side_px:
        raise FilmRefused("too_small", f"{size}, the shorter side needs {min_side_px}.")
