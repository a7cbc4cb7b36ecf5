"""Phantoms as files, in the formats that hospitals deliver; no patient is in them."""

import io

import numpy as np
from PIL import Image

from edge_app.imaging.phantom import PhantomStyle, draw_phantom

SUFFIXES = {"JPEG": ".jpg", "PNG 16 bit": ".png", "DICOM": ".dcm"}
JPEG_QUALITY = 92
SEED = 5


def film_bytes(kind: str, side_px: int, seed: int = SEED) -> bytes:
    """One phantom as the bytes of a file.

    Args:
        kind: a key of `SUFFIXES`.
    Raises:
        ImportError: DICOM was asked for and pydicom is not installed.
    """
    pixels = draw_phantom("bacterial", seed, PhantomStyle(side_px, side_px))
    if kind == "JPEG":
        return _saved(Image.fromarray(pixels), "JPEG", quality=JPEG_QUALITY)
    # Sixteen bits as a detector gives them: 12 bits in use, the lowest four are noise.
    noise = np.random.default_rng(seed).integers(0, 16, pixels.shape, dtype=np.uint16)
    deep = pixels.astype(np.uint16) * 16 + noise
    return _dicom(deep) if kind == "DICOM" else _saved(Image.fromarray(deep), "PNG")


def _saved(image: Image.Image, file_format: str, **options: int) -> bytes:
    content = io.BytesIO()
    image.save(content, file_format, **options)
    return content.getvalue()


def _dicom(pixels: np.ndarray) -> bytes:
    """An uncompressed digital X-ray of 12 bits."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(entropy_srcs=["phantom"])
    dataset.PatientName, dataset.PatientID, dataset.Modality, dataset.BodyPartExamined = "PHANTOM", "0", "DX", "CHEST"
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel, dataset.PixelRepresentation = "MONOCHROME2", 1, 0
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelData = pixels.tobytes()
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()
