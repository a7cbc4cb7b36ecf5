"""A signed result as a DICOM Secondary Capture, to be filed with its film.

Only the film's UIDs are used: a picture archive finds the study by them and knows the patient. Names,
numbers and dates are neither read nor written; the type 2 elements for them are present and empty
(PS3.3 C.7.1.1).
"""

import io
from datetime import datetime
from typing import Any

import numpy as np

from edge_app.imaging.formats.base import DicomOrigin
from edge_app.version import __version__

UNKNOWN = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientOrientation",
)


def secondary_capture(origin: DicomOrigin, picture: np.ndarray, text: str, record_id: str, signed_at: str) -> bytes:
    """A part 10 file; the same arguments give the same bytes.

    Args:
        picture: uint8 (height, width, 3), with the result written on it.
        text: the result in words, at most 1,024 characters.
        signed_at: ISO 8601, UTC.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    result = Dataset()
    result.file_meta = FileMetaDataset()
    result.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    result.file_meta.MediaStorageSOPClassUID = result.SOPClassUID = SecondaryCaptureImageStorage
    instance = generate_uid(entropy_srcs=[origin.sop_instance_uid, record_id, signed_at, text])
    result.file_meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID = instance
    result.SpecificCharacterSet = "ISO_IR 192"
    for name in UNKNOWN:
        setattr(result, name, "")
    result.StudyInstanceUID = origin.study_uid
    result.SeriesInstanceUID = generate_uid(entropy_srcs=[origin.study_uid, "cxr-edge-kit"])
    result.SeriesNumber, result.InstanceNumber, result.Modality = "", "1", "OT"
    result.SeriesDescription = "Chest film reading, signed"
    moment = datetime.fromisoformat(signed_at.replace("Z", "+00:00"))
    result.ContentDate = result.DateOfSecondaryCapture = moment.strftime("%Y%m%d")
    result.ContentTime = result.TimeOfSecondaryCapture = moment.strftime("%H%M%S")
    result.TimezoneOffsetFromUTC = "+0000"
    result.ConversionType = "WSD"
    result.SecondaryCaptureDeviceManufacturer = "cxr-edge-kit"
    result.SecondaryCaptureDeviceSoftwareVersions = __version__
    result.ImageType = ["DERIVED", "SECONDARY"]
    result.DerivationDescription = text[:1024]
    result.ImageComments = text
    result.BurnedInAnnotation = "NO"  # the text on it does not identify the patient
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = origin.sop_class_uid, origin.sop_instance_uid
    result.SourceImageSequence = [source]
    _set_pixels(result, picture)
    content = io.BytesIO()
    result.save_as(content, enforce_file_format=True)
    return content.getvalue()


def _set_pixels(result: Any, picture: np.ndarray) -> None:
    height, width, _ = picture.shape
    values = {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "Rows": height,
        "Columns": width,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "PixelData": picture.tobytes() + b"\0" * (picture.size % 2),
    }
    for name, value in values.items():
        setattr(result, name, value)
