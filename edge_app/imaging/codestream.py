"""What the header of a JPEG, JPEG-LS or JPEG 2000 stream says, read without decoding it."""

import struct
from dataclasses import dataclass

from edge_app.errors import FilmUnreadable
from edge_app.imaging.limits import MAX_SCANS

JPEG_START = b"\xff\xd8"
JPEG_2000_START = b"\xff\x4f\xff\x51"
JP2_START = b"\x00\x00\x00\x0cjP  "
SCAN = b"\xff\xda"
# Start of frame: all of C0 to CF but DHT, JPG and DAC; F7 is JPEG-LS.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
BASELINE = frozenset({0xC0, 0xC1, 0xC2})  # the processes with 8 or 12 bits that libjpeg decodes
LOSSLESS = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF})
JPEG_LS = 0xF7
JPEG_2000 = 0x51
MAX_SEGMENTS = 2000  # before the frame; a colour profile may take 255


@dataclass(frozen=True)
class StreamHeader:
    """`process` is the marker that starts the frame: it tells the kind of compression. `bits` are per component."""

    process: int
    width_px: int
    height_px: int
    components: int
    bits: int


def stream_header(stream: bytes) -> StreamHeader | None:
    """What a stream says of itself; None where it is of another kind, or has no frame."""
    try:
        if stream.startswith(JP2_START):
            at = stream.find(JPEG_2000_START, 0, 65_536)
            return None if at < 0 else _jpeg_2000(stream[at:])
        if stream.startswith(JPEG_2000_START):
            return _jpeg_2000(stream)
        return _jpeg(stream) if stream.startswith(JPEG_START) else None
    except (struct.error, IndexError):
        return None


def _jpeg(stream: bytes) -> StreamHeader | None:
    at = len(JPEG_START)
    for _ in range(MAX_SEGMENTS):
        while stream[at] == 0xFF and stream[at + 1] == 0xFF:  # fill bytes
            at += 1
        if stream[at] != 0xFF:
            return None
        marker, length = stream[at + 1], struct.unpack_from(">H", stream, at + 2)[0]
        if marker in FRAMES:
            bits, height, width, components = struct.unpack_from(">BHHB", stream, at + 4)
            return StreamHeader(marker, width, height, components, bits)
        if marker == SCAN[1] or length < 2:
            return None
        at += 2 + length
    return None


def _jpeg_2000(stream: bytes) -> StreamHeader:
    right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
    components, bits = struct.unpack_from(">H", stream, 40)[0], (stream[42] & 0x7F) + 1
    return StreamHeader(JPEG_2000, right - left, bottom - top, components, bits)


def check_scans(stream: bytes) -> None:
    """Refuse a JPEG of so many scans that decoding it would take minutes. Bytes of pixels never look like a scan.

    Raises:
        FilmUnreadable: too_much_work.
    """
    scans = stream.count(SCAN)
    if scans > MAX_SCANS:
        raise FilmUnreadable(
            "too_much_work", f"The JPEG has {scans} scans, at most {MAX_SCANS} are read: save it again as a plain JPEG."
        )
