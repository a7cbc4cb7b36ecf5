"""The picture of a DICOM file as the numbers that it stores, before they become gray levels."""

import re
import warnings
from dataclasses import dataclass

import numpy as np

from edge_app.errors import FilmUnreadable
from edge_app.imaging import codestream
from edge_app.imaging.codestream import StreamHeader, check_scans, stream_header
from edge_app.imaging.dicom.container import DataSet, fragments
from edge_app.imaging.dicom.header import Header
from edge_app.imaging.dicom.lean_import import with_plugin
from edge_app.imaging.dicom.syntaxes import (
    COMPRESSIONS,
    EXTRA,
    JPEG,
    JPEG_2000,
    JPEG_LS,
    LOSSLESS_JPEG,
    RLE,
    RLE_LOSSLESS,
    Compression,
)
from edge_app.imaging.limits import DECODING_BYTES_PER_PIXEL, MAX_EXCESS_BYTES

BITS_ALLOCATED = (8, 16)  # PS3.3 C.8.11.3
RLE_EXCESS = re.compile(r"padding - (\d+) vs\. (\d+) bytes")


@dataclass(frozen=True)
class PixelLayout:
    """How a stored value lies in its bits: `allocated` for each pixel, of them `stored`, the highest at `high`."""

    rows: int
    columns: int
    allocated: int
    stored: int
    high: int
    is_signed: bool

    @classmethod
    def of(cls, header: Header) -> "PixelLayout":
        """Read it from a header; what is absent or impossible gets the value that follows from the rest.

        Raises:
            FilmUnreadable: neither 8 nor 16 bits per pixel.
        """
        allocated = header.integer("BitsAllocated", 0)
        stored = header.integer("BitsStored", allocated)
        if allocated not in BITS_ALLOCATED or not 0 < stored <= allocated:
            raise FilmUnreadable("damaged", f"The file says {stored} of {allocated} bits per pixel; 8 or 16 are read.")
        high = header.integer("HighBit", stored - 1)
        return cls(
            rows=header.integer("Rows", 0),
            columns=header.integer("Columns", 0),
            allocated=allocated,
            stored=stored,
            high=high if stored - 1 <= high < allocated else stored - 1,
            is_signed=header.integer("PixelRepresentation", 0) == 1,
        )


def stored_values(data: DataSet, layout: PixelLayout) -> np.ndarray:
    """Decode the picture.

    Returns:
        uint8, int8, uint16 or int16, shape (rows, columns), in the machine's byte order.
    Raises:
        FilmUnreadable: damaged, of several frames, of another size than the header says, or without a decoder.
    """
    return _decompressed(data, layout) if data.is_encapsulated else _plain(data, layout)


def _plain(data: DataSet, layout: PixelLayout) -> np.ndarray:
    count = layout.rows * layout.columns
    expected, got = count * layout.allocated // 8, data.end - data.start
    if got < expected:
        raise FilmUnreadable("damaged", "The picture is cut short: export or send the film again.")
    if got >= 2 * expected:
        raise FilmUnreadable(
            "several_frames",
            "The file holds more pixels than one picture of its stated size: export one film per file.",
        )
    if got > expected + MAX_EXCESS_BYTES:
        raise FilmUnreadable("damaged", "The file holds more pixels than its header says: export the film again.")
    kind = np.dtype(f"{'i' if layout.is_signed else 'u'}{layout.allocated // 8}")
    as_stored = kind.newbyteorder("<" if data.is_little_endian else ">")
    values = np.frombuffer(data.content, as_stored, count, data.start)
    if layout.allocated == 8 and not data.is_little_endian and data.pixel_vr == b"OW" and not count % 2:
        values = values.view(np.uint16).byteswap().view(kind)  # two pixels are one big-endian word
    return values.astype(kind, copy=False).reshape(layout.rows, layout.columns)


def _decompressed(data: DataSet, layout: PixelLayout) -> np.ndarray:
    parts = fragments(data)
    if not parts:
        raise FilmUnreadable("no_pixels", "The DICOM file holds no picture: choose the film itself, not a report.")
    if data.syntax == RLE:
        if len(parts) > 1:
            raise _several()
        return _decoded(RLE_LOSSLESS, parts[0], layout)
    if sum(stream_header(part) is not None for part in parts) > 1:
        raise _several()
    stream = parts[0] if len(parts) == 1 else b"".join(parts)
    said = stream_header(stream)
    if said is None:
        raise FilmUnreadable("damaged", "The compressed picture is damaged: export the film again.")
    _check_agrees(said, layout)
    kind = _compression(said, data.syntax)
    if kind in (JPEG, LOSSLESS_JPEG):
        check_scans(stream)
    return _decoded(kind, stream, layout)


def _several() -> FilmUnreadable:
    return FilmUnreadable("several_frames", "The file holds several pictures; export one film per file.")


def _check_agrees(said: StreamHeader, layout: PixelLayout) -> None:
    """A decoder believes the stream, or the header, or crashes: so they must say the same."""
    if (said.width_px, said.height_px) != (layout.columns, layout.rows):
        raise FilmUnreadable(
            "damaged",
            f"The header says {layout.columns} x {layout.rows} pixels, the picture {said.width_px} x {said.height_px}: "
            "export the film again.",
        )
    if said.components != 1:
        raise FilmUnreadable(
            "damaged", f"The header says gray, the picture has {said.components} colours: export the film again."
        )
    if not 2 <= said.bits <= layout.allocated:
        raise FilmUnreadable(
            "damaged", f"The header says {layout.allocated} bits, the picture has {said.bits}: export the film again."
        )


def _compression(said: StreamHeader, syntax: str) -> Compression:
    """The kind of compression, by the stream itself: some machines name another one in the header.

    Raises:
        FilmUnreadable: no decoder is known.
    """
    if said.process == codestream.JPEG_LS:
        return JPEG_LS
    if said.process == codestream.JPEG_2000:
        return next((kind for kind in COMPRESSIONS if syntax in kind.syntaxes and "2K" in kind.name), JPEG_2000)
    if said.process in codestream.LOSSLESS:
        return LOSSLESS_JPEG
    if said.process in codestream.BASELINE and said.bits == 8:
        return JPEG
    raise FilmUnreadable(
        "no_decoder",
        f"No decoder reads JPEG of {said.bits} bits with loss: export the film uncompressed or as lossless JPEG.",
    )


def _decoded(kind: Compression, stream: bytes, layout: PixelLayout) -> np.ndarray:
    plugin = kind.plugin()
    if plugin is None:
        raise FilmUnreadable("no_decoder", f"No decoder for {kind.name} is installed: {EXTRA}.")
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.pixels import get_decoder

    # Raises MemoryError where there is not enough; a decoder in C would crash, or call the file damaged.
    np.empty(2 * len(stream) + DECODING_BYTES_PER_PIXEL * layout.rows * layout.columns, dtype=np.uint8)
    picture, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = kind.syntaxes[0]
    picture.file_meta = meta
    picture.Rows, picture.Columns, picture.SamplesPerPixel = layout.rows, layout.columns, 1
    picture.PhotometricInterpretation = "MONOCHROME2"
    picture.BitsAllocated, picture.BitsStored, picture.HighBit = layout.allocated, layout.stored, layout.stored - 1
    picture.PixelRepresentation = int(layout.is_signed)
    picture.PixelData = encapsulate([stream])
    picture["PixelData"].is_undefined_length = True
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        decoder = with_plugin(get_decoder(kind.syntaxes[0]), plugin)
        values, _ = decoder.as_array(picture, raw=True, decoding_plugin=plugin)
    cropped = [RLE_EXCESS.search(str(warning.message)) for warning in said]  # pydicom crops, and only warns
    if any(found and int(found[1]) - int(found[2]) > MAX_EXCESS_BYTES for found in cropped):
        raise FilmUnreadable("damaged", "The file holds more pixels than its header says: export the film again.")
    if values.shape != (layout.rows, layout.columns) or values.dtype.kind not in "iu" or values.dtype.itemsize > 2:
        raise FilmUnreadable("damaged", "The compressed picture is not of the stated size: export the film again.")
    return values
