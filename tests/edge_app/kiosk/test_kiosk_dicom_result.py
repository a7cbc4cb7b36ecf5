"""A signed result goes back to its study as DICOM, and does not identify the patient."""

import io
import json
from contextlib import nullcontext

import numpy as np
import pydicom
import pytest
from tests_support import A_MODEL, a_decision

from edge_app.imaging.film import read_film
from edge_app.imaging.formats.base import DicomOrigin
from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.reading.answer import Answer
from edge_app.records.database import open_store
from edge_app.records.record import Signature
from edge_app.records.reviews import sign
from edge_app.workflow.case import Case
from edge_app.workflow.result_image import result_lines
from edge_app.workflow.secondary_capture import secondary_capture

STUDY, SERIES = "1.2.3.4", "1.2.3.4.5"


def film(**elements: str) -> bytes:
    """A digital X-ray of a phantom, with a name and a number that must not come back."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3.4.5.6"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, SERIES
    dataset.PatientName, dataset.PatientID, dataset.AccessionNumber = "Doe^Jane", "IDENT12345", "ACC777"
    dataset.Modality, dataset.BodyPartExamined, dataset.PhotometricInterpretation = "DX", "CHEST", "MONOCHROME2"
    pixels = draw_phantom("bacterial", 4, PhantomStyle(448, 400))
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = pixels.tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()


def test_signed_result_is_a_secondary_capture_of_its_study(kiosk):
    record_id = json.loads(kiosk.ask("/films", film())[1])["id"]
    status, words, _ = kiosk.ask(f"/dicom/{record_id}")
    assert (status, b"draft" in words) == (409, True)

    store = open_store(kiosk.home)
    sign(store, Signature(record_id, "AB", "bacterial", regions=((0.1, 0.2, 0.4, 0.5),)))
    status, content, headers = kiosk.ask(f"/dicom/{record_id}")
    assert (status, headers["content-type"]) == (200, "application/dicom")
    for secret in (b"Doe", b"IDENT12345", b"ACC777"):
        assert secret not in content
    result = pydicom.dcmread(io.BytesIO(content))
    assert result.SOPClassUID.name == "Secondary Capture Image Storage"
    assert (result.StudyInstanceUID, result.PatientName, result.PatientID) == (STUDY, "", "")
    assert result.SeriesInstanceUID != SERIES
    assert result.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.5.6"
    assert (
        f"Finding of the reader: bacterial. Signed by AB, {store.record(record_id).review.at}" in result.ImageComments
    )
    assert result.pixel_array.shape == (result.Rows, result.Columns, 3)
    assert len(np.unique(result.pixel_array.reshape(-1, 3), axis=0)) > 500, "film, colours and words are on it"
    assert [entry.detail for entry in store.audit_log() if entry.subject == record_id][-1] == "application/dicom"
    assert kiosk.ask(f"/dicom/{record_id}")[1] == content, "an archive that has it already finds it the same"
    store.close()


def test_only_dicom_films_have_one(kiosk):
    from edge_app.imaging.phantom import phantom_png

    record_id = json.loads(kiosk.ask("/films", phantom_png("viral", 3))[1])["id"]
    store = open_store(kiosk.home)
    sign(store, Signature(record_id, "AB", "viral"))
    store.close()
    assert kiosk.ask(f"/dicom/{record_id}")[0] == 409
    assert kiosk.ask("/dicom/NOSUCHID99")[0] == 404


@pytest.mark.parametrize("wrong", [{"StudyInstanceUID": ""}, {"SeriesInstanceUID": "a/../b"}])
def test_film_without_proper_uids_has_no_origin(wrong):
    assert read_film(film()).dicom_origin == DicomOrigin("1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.5.6", STUDY, SERIES)
    with (
        pytest.warns(UserWarning, match="Invalid value for VR UI") if wrong.get("SeriesInstanceUID") else nullcontext()
    ):
        content = film(**wrong)
    assert read_film(content).dicom_origin is None


def test_correction_is_another_instance_of_the_same_series(shipped):
    origin, picture = DicomOrigin("1.2", "1.3", STUDY, SERIES), np.zeros((3, 5, 3), dtype=np.uint8)
    first, second = (
        pydicom.dcmread(io.BytesIO(secondary_capture(origin, picture, text, "AB", "2026-11-21T07:00:00Z")))
        for text in ("normal", "viral")
    )
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert (first.ContentDate, first.ContentTime) == ("20261121", "070000")


def test_draft_has_no_words_for_an_archive(shipped):
    case = Case("ID", "2026-11-21T07:00:00Z", Answer(a_decision(0.1), A_MODEL, "r"))
    with pytest.raises(ValueError, match="not signed"):
        result_lines(case, shipped.card)
