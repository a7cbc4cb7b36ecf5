"""DICOM, the format of hospitals (CR and DX).

Only the patient's number, age and sex and the UIDs of film and study leave the header; names and dates are never
returned, shown or kept.
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from edge_app.errors import FilmError, FilmRefused, FilmUnreadable
from edge_app.imaging.dicom.syntaxes import UNCOMPRESSED
from edge_app.imaging.formats.base import SEXES, DicomOrigin, Film, FilmFormat, checked_uid
from edge_app.imaging.limits import MAX_BYTES_IN_PROCESS, MAX_PIXELS, MIN_SIDE_PX

if TYPE_CHECKING:  # imported where it is used: `predict` asks this module about every file, and most are no DICOM
    from edge_app.imaging.dicom.header import Header

MAGIC, MAGIC_AT = b"DICM", 128
PICTURES = (b"\xff\xd8\xff", b"\x89PNG")  # JPEG and PNG: no element of a DICOM file without preamble begins so
# Whether to mirror left and right, by Patient Orientation (PS3.3 C.7.6.1.1.1). Films with other values
# lie on their side, are upside down, or lateral.
UPRIGHT = {("L", "F"): False, ("R", "F"): True}
UID_TAGS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def is_dicom(content: bytes) -> bool:
    """Whether the bytes are a DICOM file, with or without its preamble."""
    if content[MAGIC_AT : MAGIC_AT + len(MAGIC)] != MAGIC and content.startswith(PICTURES):
        return False
    from edge_app.imaging.dicom.container import data_set_start

    return data_set_start(content) is not None


def is_small_and_uncompressed(content: bytes) -> bool:
    """Whether no decoder in C would be called for a file, and little work be done."""
    from edge_app.imaging.dicom.container import stated_syntax

    return len(content) <= MAX_BYTES_IN_PROCESS and stated_syntax(content) in UNCOMPRESSED


def read(content: bytes, _: int | None) -> Film:
    """Decode at full size."""
    return read_dicom(content, MAX_PIXELS, MIN_SIDE_PX)


def read_dicom(content: bytes, max_pixels: int, min_side_px: int) -> Film:
    """Decode one DICOM film.

    Args:
        content: the bytes of a file.
        max_pixels: a larger film is not decoded.
        min_side_px: a film with a shorter side is refused.
    Raises:
        FilmUnreadable: pydicom is missing, the file damaged, of several frames, too large, or in a
            transfer syntax that no installed decoder reads.
        FilmRefused: not a CR or DX film of a chest from the front, too small, or in colour.
    """
    try:
        import pydicom  # noqa: F401
    except ImportError as cause:
        raise FilmUnreadable("no_dicom", "DICOM films need pydicom: pip install pydicom.") from cause
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns about values that break the standard, and many files have them
        try:
            return _read(content, max_pixels, min_side_px)
        except FilmError:
            raise
        except MemoryError as cause:
            raise FilmUnreadable(
                "no_memory", "This device has too little free memory for the film: export it smaller."
            ) from cause
        except Exception as cause:  # a file made to break the decoder can raise anything
            raise FilmUnreadable("damaged", "The DICOM file is damaged or cut short: export it again.") from cause


def _read(content: bytes, max_pixels: int, min_side_px: int) -> Film:
    from edge_app.imaging.dicom.age import age_years
    from edge_app.imaging.dicom.checks import check_header
    from edge_app.imaging.dicom.container import open_data_set
    from edge_app.imaging.dicom.header import Header
    from edge_app.imaging.dicom.rendering import rendered
    from edge_app.imaging.dicom.stored_values import PixelLayout, stored_values

    data = open_data_set(content)
    header = Header(data.header)
    check_header(header, max_pixels, min_side_px)
    mirrored = _is_mirrored(header)
    layout = PixelLayout.of(header)
    pixels = rendered(stored_values(data, layout), header, layout)
    pixels = np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels
    sex = header.text("PatientSex").upper()
    return Film(
        pixels,
        layout.columns,
        layout.rows,
        age_years(header),
        _origin(header),
        label=header.text("PatientID"),
        sex=sex if sex in SEXES else "",
    )


def _is_mirrored(header: "Header") -> bool:
    """Whether the header says that the film is seen from behind; a film that is not upright is refused."""
    from edge_app.imaging.dicom.checks import side_view

    letters = tuple(text.upper()[:1] for text in header.texts("PatientOrientation"))
    if len(letters) != 2 or "" in letters:
        return False
    if letters in UPRIGHT:
        return UPRIGHT[letters]
    if {"A", "P"} & set(letters):
        raise side_view()
    raise FilmRefused("sideways", "The film is not upright: turn it so that the head is up.")


def _origin(header: "Header") -> DicomOrigin | None:
    """The UIDs; None where one is missing or invalid."""
    try:
        return DicomOrigin(*(checked_uid(header.text(keyword)) for keyword in UID_TAGS))
    except (ValueError, FilmUnreadable):
        return None


FORMAT = FilmFormat(
    "DICOM",
    (".dcm", ".dicom", ".dic", ".ima"),
    is_dicom,
    read,
    is_safe=is_small_and_uncompressed,
)
