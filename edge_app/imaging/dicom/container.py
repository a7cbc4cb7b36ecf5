"""A DICOM file's parts: its transfer syntax, its header, and the bytes of its picture.

pydicom parses the header. Before and around it stand the bounds: how far a deflated file may swell, and how
many elements are read. Files without preamble, without group 2, or with neither, occur in clinics and are read.
"""

import io
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from edge_app.errors import FilmUnreadable
from edge_app.imaging.dicom.syntaxes import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT
from edge_app.imaging.limits import MAX_ELEMENTS, MAX_FRAGMENTS, MAX_INFLATED_BYTES, MIB

PREAMBLE_BYTES = 128
MAGIC = b"DICM"
PIXEL_DATA = 0x7FE00010
PIXEL_TAGS = {True: b"\xe0\x7f\x10\x00", False: b"\x7f\xe0\x00\x10"}  # by whether little endian
LONG_VRS = (b"OB", b"OW", b"UN")  # no implicit length looks like one of these: it would be odd
UNDEFINED = 0xFFFFFFFF
ITEM, SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
FIRST_GROUPS = (0x0002, 0x0008)
LONGEST_FIRST_VALUE = 1024  # bytes of the first element of a file without preamble
EXPLICIT_VR = re.compile(rb"A[ET]|CS|D[AST]|F[DL]|IS|L[OT]|O[BW]|PN|S[HLQST]|TM|U[ILNST]")
# At the head of the file, in explicit little endian, as group 2 always is.
SYNTAX_ELEMENT = re.compile(rb"\x02\x00\x10\x00UI..([0-9.]+)", re.DOTALL)
HEAD_BYTES = 4096


@dataclass(frozen=True)
class DataSet:
    """A parsed file. `header` is a pydicom dataset without the picture.

    The picture is `content[start:end]`; `is_encapsulated` says whether those are fragments of a compressed stream.
    `syntax` is "" where the file names none.
    """

    header: Any
    syntax: str
    is_little_endian: bool
    content: bytes
    start: int
    end: int
    pixel_vr: bytes
    is_encapsulated: bool


def data_set_start(content: bytes) -> int | None:
    """Where the elements of a DICOM file begin; None for any other file."""
    if content[PREAMBLE_BYTES : PREAMBLE_BYTES + len(MAGIC)] == MAGIC:
        return PREAMBLE_BYTES + len(MAGIC)
    if content.startswith(MAGIC):
        return len(MAGIC)
    return 0 if _looks_like_an_element(content[:8]) else None


def _looks_like_an_element(head: bytes) -> bool:
    """Whether a file may begin with its first element: there is no magic number to tell by."""
    if len(head) < 8:
        return False
    for order in "<>":
        group, _, length = struct.unpack(f"{order}HHI", head)
        if group not in FIRST_GROUPS:
            continue
        if EXPLICIT_VR.fullmatch(head[4:6]):
            return True
        if length <= LONGEST_FIRST_VALUE and length % 2 == 0:
            return True
    return False


def stated_syntax(content: bytes) -> str:
    """The transfer syntax that the file names near its beginning; "" where it names none. Parses nothing."""
    found = SYNTAX_ELEMENT.search(content[:HEAD_BYTES])
    return found[1].decode() if found else ""


class _CountedReads(io.BytesIO):
    """A file that stops a parser after MAX_ELEMENTS elements, also those in sequences: an element is 2 or 3 reads."""

    left = 3 * MAX_ELEMENTS

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise FilmUnreadable(
                "too_much_work",
                f"The DICOM header has over {MAX_ELEMENTS:,} elements: export the film again without private ones.",
            )
        return super().read(size)


def open_data_set(content: bytes) -> DataSet:
    """Parse the header, and find the picture.

    Raises:
        FilmUnreadable: too many elements, too large when inflated, or without a picture.
        Exception: anything, for a damaged file.
    """
    from pydicom.filereader import read_dataset

    file = _CountedReads(content)
    file.seek(data_set_start(content) or 0)
    syntax = _file_meta(file)
    if syntax == DEFLATED:
        content = _inflated(content[file.tell() :])
        file = _CountedReads(content)
    body = file.tell()
    is_implicit, is_little = _encoding(content[body : body + 6], syntax)
    header = read_dataset(file, is_implicit, is_little, stop_when=_is_pixel_data)
    return _with_picture(header, syntax, is_little, content, file.tell())


def _file_meta(file: _CountedReads) -> str:
    """Read group 2, where there is one; returns the transfer syntax, "" if none is named."""
    from pydicom.filereader import read_dataset

    start = file.tell()
    if file.read(2) != b"\x02\x00":
        file.seek(start)
        return ""
    file.seek(start)
    meta = read_dataset(file, False, True, stop_when=_is_after_group_2)
    return str(meta.get("TransferSyntaxUID", "") or "").strip(" \0")


def _is_pixel_data(tag: int, *_: Any) -> bool:
    return tag >= PIXEL_DATA


def _is_after_group_2(tag: int, *_: Any) -> bool:
    return tag >> 16 != 2


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = inflater.decompress(content, MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise FilmUnreadable(
            "too_much_work",
            f"The file holds over {MAX_INFLATED_BYTES // MIB} MiB when it is inflated: export the film uncompressed.",
        )
    if not inflater.eof:
        raise FilmUnreadable("damaged", "The deflated DICOM file is cut short: export it again.")
    return plain


def _encoding(head: bytes, syntax: str) -> tuple[bool, bool]:
    """Whether a data set is in implicit VR, and whether little endian, by its first element before its syntax."""
    is_implicit, is_little = syntax == IMPLICIT, syntax != BIG_ENDIAN
    if len(head) == 6:
        low, high = struct.unpack("<H", head[:2])[0], struct.unpack(">H", head[:2])[0]
        if (low <= 0xFF) != (high <= 0xFF):
            is_little = low <= 0xFF
        is_implicit = not EXPLICIT_VR.fullmatch(head[4:6])
    return is_implicit, is_little


def _with_picture(header: Any, syntax: str, is_little: bool, content: bytes, at: int) -> DataSet:
    order = "<" if is_little else ">"
    if content[at : at + 4] != PIXEL_TAGS[is_little]:
        raise FilmUnreadable("no_pixels", "The DICOM file holds no picture: choose the film itself, not a report.")
    vr = content[at + 4 : at + 6]
    if vr in LONG_VRS:
        length, start = struct.unpack_from(f"{order}I", content, at + 8)[0], at + 12
    else:
        vr, length, start = b"", struct.unpack_from(f"{order}I", content, at + 4)[0], at + 8
    is_encapsulated = length == UNDEFINED
    end = len(content) if is_encapsulated else min(start + length, len(content))
    if start == end:
        raise FilmUnreadable("no_pixels", "The DICOM file holds no picture: choose the film itself, not a report.")
    if not syntax and not is_encapsulated:
        syntax = {True: EXPLICIT if vr else IMPLICIT, False: BIG_ENDIAN}[is_little]
    return DataSet(header, syntax, is_little, content, start, end, vr, is_encapsulated)


def fragments(data: DataSet) -> list[bytes]:
    """The parts of a compressed picture, without the offset table (PS3.5 annex A.4).

    Raises:
        FilmUnreadable: cut short, or in too many parts.
    """
    found, at = list[bytes](), data.start
    while at + 8 <= data.end:
        group, element, length = struct.unpack_from("<HHI", data.content, at)
        tag = group << 16 | element
        if tag == SEQUENCE_END:
            break
        if tag != ITEM or at + 8 + length > data.end:
            raise FilmUnreadable("damaged", "The compressed picture is damaged or cut short: export it again.")
        found.append(data.content[at + 8 : at + 8 + length])
        if len(found) > MAX_FRAGMENTS:
            raise FilmUnreadable(
                "too_much_work", f"The picture is in over {MAX_FRAGMENTS:,} parts: export the film uncompressed."
            )
        at += 8 + length
    return found[1:]
