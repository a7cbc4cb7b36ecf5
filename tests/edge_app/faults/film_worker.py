"""Reads damaged films in a process with limits; run by `test_mutated_films.py`.

    python film_worker.py FORMAT SEED COUNT

Prints one JSON object: how often each outcome occurred, and every error that was not a typed refusal.
"""

import io
import json
import resource
import sys
import traceback
import warnings
from collections import Counter

import numpy as np
import pydicom
from mutations import mutated, with_right_png_sums
from PIL import Image
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from edge_app.errors import FilmError
from edge_app.imaging.film import format_of, read_film
from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.reading.film_checks import check_exposure
from edge_app.reading.pose import check_pose

MEMORY_BYTES = 2**30
CPU_S = 120
STYLE = PhantomStyle(width_px=150, height_px=130)


def main() -> None:
    """Read `COUNT` damaged films of one format."""
    kind, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    warnings.simplefilter("error")
    originals, outcomes, untyped = originals_of(kind), Counter(), []
    for original in originals:  # or the damage would prove nothing
        format_of(original).read(original, None)  # one bit is decoded, and no film
    for index in range(count):
        random = np.random.default_rng([seed, index])
        content = mutated(originals[index % len(originals)], random)
        if kind == "PNG" and index % 2:
            content = with_right_png_sums(content)
        try:
            film = read_film(content, min_side_px=256 if index % 3 else None)
            check_exposure(film.pixels)
            check_pose(film.pixels)
            pixels = to_model_pixels(film.pixels, 128)
            outcomes["ok" if pixels.shape == (128, 128) and pixels.dtype == np.uint8 else "wrong"] += 1
        except FilmError as error:
            outcomes[error.code] += 1
        except BaseException:
            untyped.append({"seed": seed, "index": index, "traceback": traceback.format_exc()})
    print(json.dumps({"outcomes": outcomes, "untyped": untyped}))


def jpegs() -> list[bytes]:
    """Gray, colour, CMYK, progressive and turned by EXIF."""
    gray, turned = phantom(), Image.Exif()
    turned[0x0112] = 6
    return [
        saved(gray, "JPEG", quality=80),
        saved(gray.convert("RGB").rotate(90, expand=True), "JPEG", exif=turned),
        saved(gray.convert("CMYK"), "JPEG", progressive=True),
    ]


def pngs() -> list[bytes]:
    """8 and 16 bits, palette, transparency, one bit."""
    gray = phantom()
    sixteen = Image.fromarray(np.asarray(gray).astype(np.uint16) * 16)
    transparent = gray.convert("LA")
    palette = gray.convert("P")
    return [
        saved(gray, "PNG"),
        saved(sixteen, "PNG"),
        saved(transparent.convert("RGBA"), "PNG"),
        saved(palette, "PNG", transparency=3),
        saved(gray.convert("1"), "PNG"),
    ]


def tiffs() -> list[bytes]:
    """Plain and compressed, 8, 16 and 32 bits."""
    gray = phantom()
    values = np.asarray(gray)
    return [
        saved(gray, "TIFF"),
        saved(gray, "TIFF", compression="tiff_lzw"),
        saved(gray, "TIFF", compression="tiff_adobe_deflate"),
        saved(gray.convert("RGB"), "TIFF", compression="jpeg"),
        saved(Image.fromarray(values.astype(np.uint16) * 16), "TIFF"),
        saved(Image.fromarray(values.astype(np.float32)), "TIFF"),
        saved(gray.convert("1"), "TIFF", compression="group4"),
    ]


def bmps() -> list[bytes]:
    """Gray and colour."""
    return [saved(phantom(), "BMP"), saved(phantom().convert("RGB"), "BMP")]


def webps() -> list[bytes]:
    """Lossy and lossless."""
    colour = phantom().convert("RGB")
    return [saved(colour, "WEBP", quality=80), saved(colour, "WEBP", lossless=True)]


def dicoms() -> list[bytes]:
    """Explicit and implicit VR, 8 and 16 bits, signed, with window, LUT, rescale and orientation."""
    gray = np.asarray(phantom())
    deep = gray.astype(np.uint16) * 16
    lut = pydicom.Dataset()
    lut.add_new(0x00283002, "US", [256, 0, 8])
    lut.add_new(0x00283006, "US", list(range(256)))
    return [
        dicom(deep, ExplicitVRLittleEndian, WindowCenter=2048, WindowWidth=4096, PatientAge="004Y"),
        dicom(deep.astype(np.int16), ImplicitVRLittleEndian, RescaleSlope=2, RescaleIntercept=-10),
        dicom(gray, ExplicitVRLittleEndian, VOILUTSequence=[lut], PatientOrientation=["R", "F"]),
        dicom(gray, ImplicitVRLittleEndian, PhotometricInterpretation="MONOCHROME1", PatientBirthDate="20230405"),
    ]


def dicom(pixels: np.ndarray, syntax: str, **elements: object) -> bytes:
    """A part 10 file of a digital chest film."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = DigitalXRayImageStorageForPresentation, "1.2.3.4"
    meta.TransferSyntaxUID = syntax
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    bits = 8 * pixels.dtype.itemsize
    elements = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "DX",
        "StudyDate": "20260405",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    } | elements
    for name, value in elements.items():
        setattr(dataset, name, value)
    content = io.BytesIO()
    pydicom.dcmwrite(content, dataset, enforce_file_format=True)
    return content.getvalue()


def phantom() -> Image.Image:
    """One drawn film."""
    return Image.fromarray(draw_phantom("bacterial", 7, STYLE))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file."""
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


FILMS = {"JPEG": jpegs, "PNG": pngs, "TIFF": tiffs, "BMP": bmps, "WebP": webps, "DICOM": dicoms}


def originals_of(kind: str) -> list[bytes]:
    """Intact films of a format; for a format without its own function, as Pillow saves it by default."""
    return FILMS[kind]() if kind in FILMS else [saved(phantom(), kind)]


if __name__ == "__main__":
    main()
