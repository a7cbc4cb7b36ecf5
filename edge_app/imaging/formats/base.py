"""What every film format provides: a decoded `Film`, and a `FilmFormat` for the registry."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging.limits import MAX_PIXELS, MAX_SIDE_RATIO, MIN_SIDE_PX

SEXES = ("F", "M")  # as the kit knows them; a file may say others (PS3.3 C.7.1.1)
UID = re.compile(r"[0-9][0-9.]{0,63}")


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
    size of the original, which is larger than `pixels` when the film was read at reduced scale.
    `age_years`, `sex` (of SEXES) and `label` (the number, in one line) are the patient's, if a DICOM file states them.
    `dicom_origin` is set if a DICOM file has all four UIDs. `notes` are codes of what makes an answer doubtful, such
    as "photograph".
    """

    pixels: np.ndarray
    width_px: int
    height_px: int
    age_years: float | None = None
    dicom_origin: DicomOrigin | None = None
    notes: tuple[str, ...] = ()
    label: str = ""
    sex: str = ""


@dataclass(frozen=True)
class FilmFormat:
    """One format.

    `name` is for messages. `suffixes` are lower case and begin with a dot, the usual one first.
    `recognises` takes the bytes of a file. `read` takes them and the shortest side in pixels
    that the caller needs, None for the full size; it raises `FilmError`. `is_safe` takes the bytes too: whether
    `read` may decode them in the process that asks, because its bounds are checked first and its decoder has no
    known way to crash or hang.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, int | None], Film]
    is_safe: Callable[[bytes], bool] = lambda _: False


def check_size(width_px: int, height_px: int, max_pixels: int = MAX_PIXELS, min_side_px: int = MIN_SIDE_PX) -> None:
    """Check the size that a header states, before any pixel is decoded.

    Raises:
        FilmUnreadable: more than `max_pixels`.
        FilmRefused: a side is shorter than `min_side_px`, or the picture is a strip.
    """
    if width_px * height_px > max_pixels:
        raise FilmUnreadable(
            "too_many_pixels", f"The picture has {width_px} x {height_px} pixels, at most {max_pixels:,} are read."
        )
    if min(width_px, height_px) < min_side_px:
        raise FilmRefused(
            "too_small", f"The picture has {width_px} x {height_px} pixels, the shorter side needs {min_side_px}."
        )
    if max(width_px, height_px) > MAX_SIDE_RATIO * min(width_px, height_px):
        raise FilmRefused(
            "not_a_chest_film",
            f"A picture of {width_px} x {height_px} pixels is a strip and no chest film: its sides may differ "
            f"{MAX_SIDE_RATIO} times.",
        )


def checked_uid(text: str) -> str:
    """The text, if it is a DICOM UID (PS3.5 section 9.1).

    Raises:
        ValueError: it is none.
    """
    if not UID.fullmatch(text):
        raise ValueError("no UID")
    return text
