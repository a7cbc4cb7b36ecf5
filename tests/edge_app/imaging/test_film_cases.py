"""Films as clinics have them: the right value of each form, by its twin in the plain form.

The drawn film scores .965; a form that is read right scores the same.
"""

import functools
import io
import os
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import (
    LITTLE,
    deflated_bomb,
    dicom_bytes,
    encapsulated,
    many_elements,
    many_scans,
    picture_bytes,
)
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    DigitalXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from edge_app.errors import FilmUnreadable
from edge_app.imaging.film import read_film
from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.model.bundle import read_bundle, shipped_bundle_path
from edge_app.reading.predictor import Predictor

FILM = draw_phantom("viral", 1, PhantomStyle(width_px=512, height_px=448))
DEEP = FILM.astype(np.uint16) * 16 + 8


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(read_bundle(shipped_bundle_path()))


def code_of(predictor: Predictor, content: bytes) -> str:
    """The code of a refusal, "ok" for a film with the right score, else the score."""
    answer = predictor.answer(content)
    if answer.refusal:
        return answer.refusal.code
    score = answer.decision.p_finding
    return "ok" if abs(score - right_score(predictor)) < 0.01 else f"p={score:.4f}"


@functools.cache
def right_score(predictor: Predictor) -> float:
    """The score of the film as a plain 8-bit picture, which no header can change."""
    file = io.BytesIO()
    Image.fromarray(FILM).save(file, "PNG")
    return predictor.answer(file.getvalue()).decision.p_finding


def of_elements(*, pixels=DEEP, bits_stored=12, vr=(), **elements) -> bytes:
    """A film with these elements; `vr` holds (keyword, VR, value) of elements in a VR that is not the standard's."""
    content = dicom_bytes(pixels, bits_stored=bits_stored, **elements)
    if not vr:
        return content
    dataset = pydicom.dcmread(io.BytesIO(content))
    for keyword, kind, value in vr:
        dataset.add_new(keyword, kind, value)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def code_item(value: str, meaning: str = "", scheme: str = "SRT") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


AGES = [
    "45Y",
    "45",
    "045y",
    " 45Y",
    "Y045",
    "0045Y",
    "45 Y",
    "45 years",
    "45 ANS",
    "45 años",
    "540M",
    "45.0Y",
    "45,5 Y",
    "2350W",
]


@pytest.mark.parametrize("age", AGES)
def test_an_adult_is_refused_in_whatever_form_the_age_is_written(predictor, age):
    assert code_of(predictor, of_elements(vr=[("PatientAge", "LO", age)])) == "age_out_of_range"


@pytest.mark.parametrize("age", ["3Y", "3", "003Y", "Y003", "36M", "3 ANS", "156W", "3.5 Y", "2Y6M", "", "UNKNOWN"])
def test_a_child_is_scored_in_whatever_form_the_age_is_written(predictor, age):
    assert code_of(predictor, of_elements(vr=[("PatientAge", "LO", age)])) == "ok"


@pytest.mark.parametrize(
    ("born", "dates"),
    [
        ("1970.01.01", {"StudyDate": "20240101"}),
        ("1970-01-01", {"StudyDate": "2024-01-01"}),
        ("01/02/1970", {"StudyDate": "20240101"}),
        ("1970", {"StudyDate": "20240101"}),
        ("19700101", {"AcquisitionDate": "20240101"}),
        ("19700101", {"SeriesDate": "20240101"}),
        ("19700101", {"ContentDate": "20240101", "StudyDate": ""}),
        ("19700101", {"AcquisitionDateTime": "20240101120000"}),
        ("25130101", {"StudyDate": "20240101"}),  # the Buddhist calendar
        ("19700101", {}),
    ],
)
def test_an_adult_is_refused_by_the_dates_in_whatever_form(predictor, born, dates):
    vr = [("PatientBirthDate", "LO", born), *((keyword, "LO", text) for keyword, text in dates.items())]
    assert code_of(predictor, of_elements(vr=vr)) == "age_out_of_range"


def test_the_higher_age_counts_where_age_and_birth_date_disagree(predictor):
    elements = {"PatientBirthDate": "19700101", "StudyDate": "20240101", "PatientAge": "004Y"}
    assert code_of(predictor, of_elements(**elements)) == "age_out_of_range"
    assert code_of(predictor, of_elements(**elements | {"PatientBirthDate": "19000101"})) == "ok", "an anonymised date"


@pytest.mark.parametrize(
    "view",
    ["LATERAL", "LAT", "XTABLE LATERAL", "L LAT", "LLAT", "Lateral left", "LL", "OBLIQUE", "RAO", "PERFIL", "Profil"],
)
def test_a_side_view_is_refused_in_whatever_words(predictor, view):
    assert code_of(predictor, of_elements(vr=[("ViewPosition", "LO", view)])) == "lateral_view"


@pytest.mark.parametrize("code", ["R-10236", "R-10232", "399067008", "399173006", "399182000", "R-10204"])
def test_a_side_view_is_refused_by_its_code(predictor, code):
    assert code_of(predictor, of_elements(ViewCodeSequence=[code_item(code)])) == "lateral_view"
    front = code_item("R-10206", "antero-posterior")
    front.ViewModifierCodeSequence = [code_item(code)]
    assert code_of(predictor, of_elements(ViewCodeSequence=[front])) == "lateral_view"


@pytest.mark.parametrize("text", ["Chest lateral", "THORAX LAT", "W034 Chest Lat."])
def test_a_side_view_is_refused_by_the_description_of_the_series(predictor, text):
    assert code_of(predictor, of_elements(SeriesDescription=text)) == "lateral_view"


@pytest.mark.parametrize("text", ["Chest PA and lateral", "Chest AP", "bilateral opacities", "Thorax", "Chest lateral"])
def test_a_front_view_passes_whatever_the_description_says(predictor, text):
    assert code_of(predictor, of_elements(SeriesDescription=text, ViewPosition="PA")) == "ok"
    if text != "Chest lateral":
        assert code_of(predictor, of_elements(SeriesDescription=text)) == "ok"


def test_raw_data_for_processing_are_refused(predictor):
    for elements in (
        {"PresentationIntentType": "FOR PROCESSING"},
        {"SOPClassUID": DigitalXRayImageStorageForProcessing},
    ):
        assert code_of(predictor, of_elements(**elements)) == "for_processing"


@pytest.mark.parametrize(
    "window",
    [
        {"WindowCenter": "2048", "WindowWidth": "0"},
        {"WindowCenter": "2048", "WindowWidth": "-4096"},
        {"WindowCenter": "2048", "WindowWidth": "0", "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": "2048", "WindowWidth": "0", "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": "2048", "WindowWidth": "1"},
        {"WindowCenter": "60000", "WindowWidth": "100"},
        {"RescaleSlope": "0.0002442", "RescaleIntercept": "0", "WindowCenter": "0.5", "WindowWidth": "1"},
        {"RescaleSlope": "", "RescaleIntercept": ""},
        {"RescaleSlope": "0"},
        {"VOILUTSequence": []},
        {"VOILUTSequence": [Dataset()]},
        {"ModalityLUTSequence": [Dataset()]},
        {"WindowCenter": "", "WindowWidth": ""},
        {"WindowCenter": "2048"},
        {"WindowCenter": ["7", "2048"], "WindowWidth": ["0", "4096"]},
    ],
)
def test_an_impossible_window_or_table_is_as_none(predictor, window):
    with pydicom.config.disable_value_validation():
        assert code_of(predictor, of_elements(**window)) == "ok"


@pytest.mark.parametrize(
    ("centre", "width"),
    [
        ("2048", "4096"),
        ("2048\\1000", "4096\\10"),
        ("2048,0", "4096,0"),
        ("wide", "4096"),
        ("nan", "inf"),
        ("1e999", "1"),
    ],
)
def test_a_window_as_text_is_its_number_or_none(predictor, centre, width):
    assert code_of(predictor, of_elements(vr=[("WindowCenter", "LO", centre), ("WindowWidth", "LO", width)])) == "ok"


def test_a_picture_of_two_levels_is_refused_however_it_was_saved(predictor):
    two = (FILM > 100).astype(np.uint8) * 255
    dithered = np.asarray(Image.fromarray(FILM).convert("1").convert("L"))
    for pixels in (two, dithered):
        assert code_of(predictor, dicom_bytes(pixels)) == "two_levels"
        assert code_of(predictor, picture_bytes(pixels, "PNG")) == "two_levels"
        assert code_of(predictor, picture_bytes(pixels, "JPEG", quality=90)) == "two_levels"
    assert code_of(predictor, picture_bytes(Image.fromarray(FILM).convert("1"), "PNG")) == "two_levels"
    assert code_of(predictor, picture_bytes(Image.fromarray(FILM).convert("1"), "TIFF")) == "two_levels"


def body_of(content: bytes) -> bytes:
    """A data set without preamble and group 2."""
    return content[144 + int.from_bytes(content[140:144], "little") :]


@pytest.mark.parametrize("syntax", [LITTLE, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_file_without_preamble_or_group_2_is_read(predictor, syntax):
    content = dicom_bytes(DEEP, bits_stored=12, syntax=syntax)
    assert code_of(predictor, content[132:]) == "ok"
    assert code_of(predictor, content[128:]) == "ok"
    assert code_of(predictor, body_of(content)) == "ok"
    assert code_of(predictor, bytes(128) + b"DICM" + body_of(content)) == "ok"


def test_high_bits_count_where_the_header_says_so(predictor):
    assert code_of(predictor, dicom_bytes(DEEP << 4, bits_stored=12, HighBit=15)) == "ok"
    assert code_of(predictor, dicom_bytes(DEEP, bits_stored=12, HighBit=15)) == "ok", "the machine did not shift"
    assert code_of(predictor, dicom_bytes(DEEP, bits_stored=12, HighBit=7)) == "ok", "impossible"
    assert code_of(predictor, dicom_bytes(DEEP, bits_stored=12, HighBit=None, PixelRepresentation=None)) == "ok"


def test_padding_is_background_by_value_and_by_range_and_never_white(predictor):
    dark = DEEP.copy()
    dark[:, :40] = 0
    twin = predictor.answer(dicom_bytes(dark, bits_stored=12, PixelPaddingValue=0)).decision.p_finding
    bright, ragged, inverted = DEEP.copy(), DEEP.copy(), 4095 - DEEP
    bright[:, :40] = 65535
    ragged[:, :40] = np.random.default_rng(0).integers(60000, 65535, (448, 40))
    inverted[:, :40] = 0
    signed = DEEP.astype(np.int16)
    signed[:, :40] = -2000
    for content in (
        dicom_bytes(bright, bits_stored=16, PixelPaddingValue=65535),
        dicom_bytes(ragged, bits_stored=16, PixelPaddingValue=65535, PixelPaddingRangeLimit=60000),
        dicom_bytes(inverted, bits_stored=12, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0),
        dicom_bytes(signed, bits_stored=16, PixelPaddingValue=-2000),
        dicom_bytes(bright, bits_stored=16, PixelPaddingValue=65535, WindowCenter=2048, WindowWidth=4096),
    ):
        assert (read_film(content).pixels[:, :40] == 0).all()
        assert predictor.answer(content).decision.p_finding == pytest.approx(twin, abs=0.01)


def test_one_bright_marker_does_not_set_the_range(predictor):
    marked = DEEP.copy()
    marked[10:40, 10:60] = 65535
    assert code_of(predictor, dicom_bytes(marked)) == "ok"
    assert code_of(predictor, picture_bytes(marked, "PNG")) == "ok"


CHESTS = [
    "PORT CHEST",
    "CHEST PA",
    "CHEST AP",
    "TORAX",
    "THORAX AP",
    "LUNGS",
    "PECHO",
    "UNKNOWN",
    "",
    "Tórax",
    "CHESTABD",
]


@pytest.mark.parametrize("part", [*CHESTS, "NONE", "CHEST_1VIEW", "RIBS", "Thorax^Kind", "XYZ"])
def test_a_chest_is_read_by_whatever_word_and_an_unknown_word_says_nothing(predictor, part):
    assert code_of(predictor, of_elements(vr=[("BodyPartExamined", "LO", part)])) == "ok"


@pytest.mark.parametrize(
    "part", ["HAND", "ABDOMEN", "Knee", "CSPINE", "THORACIC SPINE", "RODILLA", "PELVIS AP", "SKULL"]
)
def test_another_part_is_refused(predictor, part):
    assert code_of(predictor, of_elements(vr=[("BodyPartExamined", "LO", part)])) == "not_a_chest_film"


def test_another_part_is_refused_by_its_region_code(predictor):
    hand, chest = code_item("T-D8700", "Hand"), code_item("T-D3000", "Chest")
    assert code_of(predictor, of_elements(BodyPartExamined=None, AnatomicRegionSequence=[hand])) == "not_a_chest_film"
    assert code_of(predictor, of_elements(BodyPartExamined=None, AnatomicRegionSequence=[chest])) == "ok"


def test_a_modality_counts_in_either_case(predictor):
    assert code_of(predictor, of_elements(vr=[("Modality", "LO", "dx")])) == "ok"


def test_a_long_or_coded_modality_reaches_the_answer_short_and_harmless(predictor):
    answer = predictor.answer(of_elements(vr=[("Modality", "UT", "\x1b[31mMR" + "x" * 900_000)]))
    assert answer.refusal.code == "not_an_xray"
    assert len(answer.refusal.sentence) < 100
    assert answer.refusal.sentence.isprintable()


# Pixels and header


def test_more_pixels_than_the_header_says_are_no_film(predictor):
    narrow = dicom_bytes(DEEP, bits_stored=12, BitsAllocated=8, BitsStored=8, HighBit=7)
    assert code_of(predictor, narrow) == "several_frames"
    assert code_of(predictor, dicom_bytes(DEEP, PixelData=DEEP.tobytes() * 2)) == "several_frames"
    assert code_of(predictor, dicom_bytes(DEEP, Columns=510)) == "damaged"
    assert code_of(predictor, dicom_bytes(DEEP, Rows=447)) == "damaged"
    assert code_of(predictor, dicom_bytes(DEEP, Columns=513)) == "damaged"


@pytest.mark.parametrize(
    ("syntax", "module"), [(JPEGLSLossless, "jpeg_ls"), (JPEG2000Lossless, "openjpeg"), (RLELossless, "pydicom")]
)
def test_a_stream_that_disagrees_with_its_header_is_damaged(predictor, syntax, module):
    pytest.importorskip(module)
    good = dicom_bytes(DEEP, bits_stored=12, syntax=syntax)
    assert code_of(predictor, good) == "ok"
    for changed in (
        {"Rows": 600},
        {"Rows": 200},
        {"Columns": 300},
        {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
    ):
        dataset = pydicom.dcmread(io.BytesIO(good))
        for keyword, value in changed.items():
            setattr(dataset, keyword, value)
        file = io.BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        assert code_of(predictor, file.getvalue()) == "damaged", changed


def test_a_jpeg_of_three_components_under_a_gray_header_is_damaged(predictor):
    colour = picture_bytes(Image.fromarray(FILM).convert("RGB"), "JPEG", quality=95)
    assert code_of(predictor, encapsulated(colour, FILM, JPEGBaseline8Bit)) == "damaged"
    gray = picture_bytes(FILM, "JPEG", quality=95)
    assert code_of(predictor, encapsulated(gray, FILM, JPEGBaseline8Bit)) == "ok"
    assert code_of(predictor, encapsulated(gray, FILM, JPEGBaseline8Bit, BitsAllocated=32, BitsStored=32)) == "damaged"
    assert code_of(predictor, encapsulated(gray, FILM, JPEGLosslessSV1)) == "ok", "the stream says what it is"
    assert code_of(predictor, encapsulated(gray + gray, FILM, JPEGBaseline8Bit)) in ("ok", "several_frames")


def extended(stream: bytes) -> bytes:
    """The header of a JPEG as an encoder of 12 bits writes it; nothing decodes that here, so the rest is left."""
    at = stream.index(b"\xff\xc0")
    return stream[:at] + b"\xff\xc1" + stream[at + 2 : at + 4] + b"\x0c" + stream[at + 5 :]


def test_a_whole_jpeg_of_12_bits_is_said_to_have_no_decoder(predictor):
    stream = extended(picture_bytes(FILM, "JPEG", quality=95))
    answer = predictor.answer(encapsulated(stream, DEEP, JPEGExtended12Bit, BitsStored=12, HighBit=11))
    assert (answer.refusal.code, "12 bits" in answer.refusal.sentence) == ("no_decoder", True)


@pytest.mark.parametrize("make", [many_scans, many_elements, deflated_bomb])
def test_too_much_work_is_refused_before_it_begins(predictor, make):
    assert code_of(predictor, make()) == "too_much_work"


# Pictures


def test_16_bits_that_use_0_and_65535_are_read(predictor):
    wide = FILM.astype(float) - FILM.min()
    full = (wide / wide.max() * 65535).round().astype(np.uint16)
    assert code_of(predictor, picture_bytes(full, "PNG")) == "ok"
    assert code_of(predictor, picture_bytes(full, "TIFF")) == "ok"


def test_white_is_zero_is_read_in_every_depth(predictor):
    for dtype, top in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0), (np.int32, 70_000)):
        values = (top - FILM.astype(np.float64) / 255 * top).astype(dtype)
        content = bytearray(picture_bytes(values, "TIFF"))
        at = content.index(struct.pack("<HHI", 262, 3, 1)) + 8  # the tag that says which end is white
        content[at : at + 2] = struct.pack("<H", 0)
        assert code_of(predictor, bytes(content)) == "ok"


def test_the_preview_of_a_camera_or_a_scanner_is_no_second_film(predictor):
    colour = Image.fromarray(FILM).convert("RGB")
    small = colour.resize((160, 140))
    assert code_of(predictor, picture_bytes(colour, "MPO", save_all=True, append_images=[small])) == "ok"
    preview = Image.fromarray(FILM).resize((160, 140))
    preview.encoderinfo = {"tiffinfo": {254: 1}}
    two = picture_bytes(Image.fromarray(FILM), "TIFF", save_all=True, append_images=[preview])
    assert code_of(predictor, two) == "ok"


def test_a_camera_warns_and_a_scanner_does_not(predictor):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    assert "photograph" not in predictor.answer(picture_bytes(FILM, "JPEG", exif=exif)).warnings
    exif.get_ifd(0x8769)[0x829A] = 0.01
    assert "photograph" in predictor.answer(picture_bytes(FILM, "JPEG", exif=exif)).warnings


def test_a_pipe_is_no_film(tmp_path: Path):
    os.mkfifo(tmp_path / "film.png")
    with pytest.raises(FilmUnreadable) as refusal:
        read_film(tmp_path / "film.png")
    assert refusal.value.code == "not_a_file"
