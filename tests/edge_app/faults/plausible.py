"""Files whose headers are plausible and wrong: sizes, bits, counts and lengths changed, the rest kept."""

import io
import struct

import numpy as np
import pydicom
from dicom_files import dicom_bytes, encapsulated, picture_bytes
from film_worker import originals_of
from mutations import mutated, with_right_png_sums
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from edge_app.imaging.phantom import PhantomStyle, draw_phantom

SMALL = draw_phantom("bacterial", 7, PhantomStyle(width_px=150, height_px=130))
DEEP = SMALL.astype(np.uint16) * 16
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    RLELossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
]


def plausible(kind: str, random: np.random.Generator) -> bytes:
    """One file of a format, the same for the same generator."""
    if kind == "DICOM":
        return _dicom(random)
    originals = originals_of(kind)
    content = bytearray(originals[int(random.integers(len(originals)))])
    places = {"JPEG": _jpeg_fields, "PNG": _png_fields, "TIFF": _tiff_fields}.get(kind, _first_fields)(content)
    for _ in range(int(random.integers(1, 4))):
        at, form = places[int(random.integers(len(places)))]
        old = struct.unpack_from(form, content, at)[0]
        struct.pack_into(form, content, at, _near(old, 8 * struct.calcsize(form), random))
    return with_right_png_sums(bytes(content)) if kind == "PNG" else bytes(content)


def _near(old: int, bits: int, random: np.random.Generator) -> int:
    """A value that a careless program could have written instead."""
    candidates = [old + 1, old - 1, 2 * old, old // 2, 0, 1, 3, 8, 12, 16, 32, 255, 4096, 65535, 2 ** (bits - 1), -1]
    return int(candidates[int(random.integers(len(candidates)))]) % 2**bits


def _jpeg_fields(content: bytearray) -> list[tuple[int, str]]:
    """Precision, sizes and components of the frame; lengths of the segments; components of the scans."""
    found, at = [], 2
    while at + 4 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], struct.unpack_from(">H", content, at + 2)[0]
        found.append((at + 2, ">H"))
        if marker in (0xC0, 0xC1, 0xC2):
            found += [
                (at + 1, ">B"),
                (at + 4, ">B"),
                (at + 5, ">H"),
                (at + 7, ">H"),
                (at + 9, ">B"),
                (at + 11, ">B"),
            ] * 3
        if marker in (0xDB, 0xC4, 0xDA):
            found.append((at + 4, ">B"))
        if marker == 0xDA:
            break
        at += 2 + length
    return found


def _png_fields(content: bytearray) -> list[tuple[int, str]]:
    """Sizes, depth, colour, interlace, and the lengths of the chunks."""
    found = [(16, ">I"), (20, ">I"), (24, ">B"), (25, ">B"), (28, ">B")] * 3
    at = 8
    while at + 12 <= len(content):
        found.append((at, ">I"))
        at += 12 + struct.unpack_from(">I", content, at)[0]
    return found


def _tiff_fields(content: bytearray) -> list[tuple[int, str]]:
    """Kind, count and value of every tag of the first page."""
    order = "<" if content[:2] == b"II" else ">"
    at = struct.unpack_from(f"{order}I", content, 4)[0]
    count = struct.unpack_from(f"{order}H", content, at)[0]
    found = [(4, f"{order}I"), (at, f"{order}H")]
    for tag in range(count):
        entry = at + 2 + 12 * tag
        found += [
            (entry + 2, f"{order}H"),
            (entry + 4, f"{order}I"),
            (entry + 8, f"{order}H"),
            (entry + 8, f"{order}I"),
        ]
    return found


def _first_fields(_: bytearray) -> list[tuple[int, str]]:
    """The sizes and counts of BMP and WebP stand in the first bytes."""
    return [(at, form) for at in range(2, 54, 2) for form in ("<H", "<I")]


def _dicom(random: np.random.Generator) -> bytes:
    syntax = SYNTAXES[int(random.integers(len(SYNTAXES)))]
    dataset = pydicom.dcmread(io.BytesIO(_original(syntax)))
    changes = {
        "Rows": [129, 131, 260, 65, 1, 65535],
        "Columns": [149, 151, 300, 75, 1, 65535],
        "BitsAllocated": [1, 8, 12, 16, 32, 64],
        "BitsStored": [1, 8, 10, 12, 16, 32, 0],
        "HighBit": [0, 7, 11, 15, 31],
        "PixelRepresentation": [0, 1, 2],
        "SamplesPerPixel": [0, 1, 3, 4],
        "NumberOfFrames": ["0", "1", "2", "1000000"],
        "PhotometricInterpretation": ["MONOCHROME1", "RGB", "PALETTE COLOR", "YBR_FULL_422", ""],
        "PixelPaddingValue": [0, 65535, 4080],
        "WindowWidth": ["0", "-1", "1", "4096", "1e300"],
        "WindowCenter": ["0", "2048", "-1e300"],
        "RescaleSlope": ["0", "-1", "1e-300", "1e300"],
        "RescaleIntercept": ["1e300", "-1024"],
        "PatientAge": ["004Y", "400Y", "000D"],
    }
    names = list(changes)
    for _ in range(int(random.integers(1, 5))):
        name = names[int(random.integers(len(names)))]
        setattr(dataset, name, changes[name][int(random.integers(len(changes[name])))])
    if random.random() < 0.2:
        dataset.file_meta.TransferSyntaxUID = SYNTAXES[int(random.integers(len(SYNTAXES)))]
        dataset["PixelData"].is_undefined_length = dataset.file_meta.TransferSyntaxUID.is_compressed
    if random.random() < 0.3:
        pixels = bytearray(dataset.PixelData)
        for at in random.integers(0, len(pixels), 3):
            pixels[at] = int(random.integers(256))
        dataset.PixelData = bytes(pixels[: int(random.integers(len(pixels)))] if random.random() < 0.3 else pixels)
    file = io.BytesIO()
    try:
        dataset.save_as(file, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian)
    except Exception:  # pydicom does not write every contradiction: then the bytes are damaged instead
        return mutated(_original(syntax), random)
    return file.getvalue()


def _original(syntax: str) -> bytes:
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1):
        return encapsulated(picture_bytes(SMALL, "JPEG", quality=90), SMALL, syntax)
    return dicom_bytes(DEEP, bits_stored=12, syntax=syntax)
