"""DICOM films, written here with pydicom; every expected gray level is worked out by hand.

A golden file has four pixels, a row each of two; the comments say how 255 x share comes about.
"""

import io
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from dicom_files import LITTLE, a_lut, dicom_bytes, lossless_jpeg
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from tests_support import ENVIRONMENT

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging.dicom.age import parse_age
from edge_app.imaging.film import read_film
from edge_app.imaging.formats.base import DicomOrigin
from edge_app.imaging.formats.dicom import read_dicom
from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.reading.film_checks import check_age

IMPLICIT, BIG = ImplicitVRLittleEndian, ExplicitVRBigEndian


def golden(*values, dtype=np.uint16, **elements):
    return dicom_bytes(np.array(values, dtype=dtype).reshape(2, 2), **elements)


GOLDEN = {
    # No window: the range 0..200 is stretched. 255 x 50/200 = 63.75, 255 x 100/200 = 127.5 (to even).
    "8 bits, no window": (golden(0, 50, 100, 200, dtype=np.uint8), [0, 64, 128, 255]),
    # 12 of 16 bits. (1024-0)/4095 x 255 = 63.77.
    "12 bits, no window": (golden(0, 1024, 2048, 4095, bits_stored=12), [0, 64, 128, 255]),
    # High bits hold an old overlay (0xF000): masked off, the same as above.
    "12 bits with an overlay in the high bits": (
        golden(0xF000, 0x1400, 0x2800, 0x0FFF, bits_stored=12),
        [0, 64, 128, 255],
    ),
    "16 bits": (golden(0, 16384, 32768, 65535), [0, 64, 128, 255]),
    # Signed -2000..2000: (-1000+2000)/4000 x 255 = 63.75; (1000+2000)/4000 x 255 = 191.25.
    "signed 16 bits": (golden(-2000, -1000, 1000, 2000, dtype=np.int16), [0, 64, 191, 255]),
    # 12 stored bits, two's complement: -1 is 0x0FFF. Range -2048..2047: (-1+2048)/4095 x 255 = 127.47.
    "signed 12 bits": (
        golden(0x0800, 0x0FFF, 0x0000, 0x07FF, bits_stored=12, PixelRepresentation=1),
        [0, 127, 128, 255],
    ),
    # LINEAR, centre 100, width 101: share = (x - 99.5)/100 + 0.5. 75 gives 0.255 -> 65.0; 100 gives 0.505 -> 128.8.
    "window, linear": (golden(10, 75, 100, 200, WindowCenter=100, WindowWidth=101), [0, 65, 129, 255]),
    # LINEAR_EXACT, centre 100, width 100: share = (x - 100)/100 + 0.5. 75 -> 0.25 -> 63.75; 125 -> 191.25.
    "window, linear exact": (
        golden(10, 75, 125, 200, WindowCenter=100, WindowWidth=100, VOILUTFunction="LINEAR_EXACT"),
        [0, 64, 191, 255],
    ),
    # SIGMOID, centre 100, width 100: 1/(1+exp(-4(x-100)/100)). 75: 1/(1+e) = 0.2689 -> 68.6; 125: 186.4.
    "window, sigmoid": (
        golden(75, 100, 125, 1000, WindowCenter=100, WindowWidth=100, VOILUTFunction="SIGMOID"),
        [69, 128, 186, 255],
    ),
    # Several windows: the first counts; the second would give other values.
    "two windows": (
        golden(10, 75, 100, 200, WindowCenter=[100, 500], WindowWidth=[101, 1000]),
        [0, 65, 129, 255],
    ),
    # Rescale first: 2x - 100 gives 0, 50, 100, 300; then linear exact around 100, width 200.
    "rescale before window": (
        golden(
            50,
            75,
            100,
            200,
            RescaleSlope=2,
            RescaleIntercept=-100,
            WindowCenter=100,
            WindowWidth=200,
            VOILUTFunction="LINEAR_EXACT",
        ),
        [0, 64, 128, 255],
    ),
    # Modality LUT maps 0,1,2,3 to 0,10,20,40; stretched over 0..40.
    "modality LUT": (
        golden(0, 1, 2, 3, ModalityLUTSequence=[a_lut(0, 16, [0, 10, 20, 40])]),
        [0, 64, 128, 255],
    ),
    # VOI LUT, 8 bits, first mapped value 10: 5 takes the first entry, 99 the last.
    "VOI LUT": (golden(5, 11, 12, 99, VOILUTSequence=[a_lut(10, 8, [0, 51, 102, 204])]), [0, 51, 102, 204]),
    # MONOCHROME1: high is black; the stretch of 0..200 is turned over. 255 x (1 - 0.25) = 191.25.
    "MONOCHROME1": (
        golden(0, 50, 100, 200, PhotometricInterpretation="MONOCHROME1"),
        [255, 191, 128, 0],
    ),
    # Inversion comes after the window: share 0.255 becomes 0.745 -> 189.98.
    "MONOCHROME1 with window": (
        golden(10, 75, 100, 200, WindowCenter=100, WindowWidth=101, PhotometricInterpretation="MONOCHROME1"),
        [255, 190, 126, 0],
    ),
    # Padding (9999) does not count for the range 0..200, and is background: black.
    "padding": (golden(0, 50, 200, 9999, PixelPaddingValue=9999), [0, 64, 255, 0]),
    "implicit little endian": (golden(0, 50, 100, 200, syntax=IMPLICIT), [0, 64, 128, 255]),
    "big endian": (golden(0, 50, 100, 200, syntax=BIG), [0, 64, 128, 255]),
    "RLE": (golden(0, 50, 100, 200, syntax=RLELossless), [0, 64, 128, 255]),
    # Rows run from the patient's right to left: mirrored, so that left and right of each row change.
    "seen from behind": (golden(0, 50, 100, 200, PatientOrientation=["R", "F"]), [64, 0, 255, 128]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_gray_levels_are_those_by_hand(name):
    content, expected = GOLDEN[name]
    film = read_dicom(content, 100, 1).pixels
    assert film.ravel().tolist() == expected


EVERY_16_BITS = np.arange(2**16, dtype=np.uint16).reshape(256, 256)


def linear_exact(values, centre, width):
    """PS3.3 C.11.2.1.3.2, pixel by pixel in float64."""
    return np.round(255 * np.clip((values - centre) / width + 0.5, 0, 1)).astype(np.uint8)


@pytest.mark.parametrize("syntax", [LITTLE, BIG])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_every_value_of_16_bits_is_rendered_as_pixel_by_pixel(dtype, syntax):
    """Films are rendered by a table of the values that occur; this compares it with the formula, to the bit."""
    pixels = EVERY_16_BITS.view(dtype)
    elements = {"WindowCenter": 900, "WindowWidth": 30_000.5, "VOILUTFunction": "LINEAR_EXACT"}
    content = dicom_bytes(pixels, syntax=syntax, RescaleSlope=1.7, RescaleIntercept=-33, **elements)
    expected = linear_exact(pixels.astype(np.float64) * 1.7 - 33, 900, 30_000.5)
    assert np.array_equal(read_dicom(content, 10**6, 1).pixels, expected)


def test_high_bits_are_ignored_in_every_value():
    content = dicom_bytes(EVERY_16_BITS, bits_stored=12)
    expected = np.round(255 * (EVERY_16_BITS & 0x0FFF).astype(np.float64) / 4095)
    assert np.array_equal(read_dicom(content, 10**6, 1).pixels, expected)


def test_a_large_film_takes_no_more_than_seven_bytes_per_pixel():
    """In float64 it took 38: 580 MiB for a plate of 16 million pixels, more than a small Pi has."""
    side = 2000
    ramp = (np.arange(side * side, dtype=np.uint32) % 4096).astype(np.uint16).reshape(side, side)
    content = dicom_bytes(ramp, bits_stored=12)
    read_dicom(content, side * side, 1)
    tracemalloc.start()
    try:
        read_dicom(content, side * side, 1)
        assert tracemalloc.get_traced_memory()[1] < 7 * side * side
    finally:
        tracemalloc.stop()


def test_more_bits_than_a_film_has_are_refused():
    content = dicom_bytes(np.arange(4, dtype=np.uint32).reshape(2, 2))
    with pytest.raises(FilmUnreadable, match="8 or 16"):
        read_dicom(content, 100, 1)


@pytest.mark.parametrize(("syntax", "package"), [(JPEGLSLossless, "jpeg_ls"), (JPEG2000Lossless, "openjpeg")])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_lossless_compression_changes_nothing(syntax, package, dtype):
    pytest.importorskip(package, reason="pip install 'cxr-edge-kit[dicom]'")
    ramp = (np.arange(64 * 48).reshape(64, 48) % 4096 - (2048 if dtype == np.int16 else 0)).astype(dtype)
    plain = read_dicom(dicom_bytes(ramp, bits_stored=12), 10_000, 1).pixels
    packed = read_dicom(dicom_bytes(ramp, bits_stored=12, syntax=syntax), 10_000, 1).pixels
    assert np.array_equal(plain, packed)


def test_lossless_jpeg_changes_nothing(tmp_path):
    pytest.importorskip("gdcm", reason="pip install 'cxr-edge-kit[dicom]'")
    ramp = (np.arange(64 * 48).reshape(64, 48) % 4096).astype(np.uint16)
    plain = dicom_bytes(ramp, bits_stored=12)
    packed = lossless_jpeg(plain, tmp_path)
    assert str(JPEGLosslessSV1).encode() in packed
    assert np.array_equal(read_dicom(packed, 10_000, 1).pixels, read_dicom(plain, 10_000, 1).pixels)


def test_baseline_jpeg_reads_as_pillow_reads_it():
    film = draw_phantom("viral", 1)
    jpeg = io.BytesIO()
    Image.fromarray(film).save(jpeg, "JPEG", quality=95)
    decoded = np.asarray(Image.open(jpeg)).astype(np.float64)
    expected = np.round(255 * (decoded - decoded.min()) / (decoded.max() - decoded.min()))
    content = dicom_bytes(film, syntax=JPEGBaseline8Bit, PixelData=encapsulate([jpeg.getvalue()]))
    assert np.array_equal(read_dicom(content, 10**6, 1).pixels, expected)


@pytest.mark.parametrize(
    ("code", "elements"),
    [
        ("not_an_xray", {"Modality": "MR"}),
        ("not_a_chest_film", {"BodyPartExamined": "HAND"}),
        ("lateral_view", {"ViewPosition": "LL"}),
        ("lateral_view", {"PatientOrientation": ["A", "F"]}),
        ("sideways", {"PatientOrientation": ["F", "R"]}),
        ("colour_picture", {"PhotometricInterpretation": "PALETTE COLOR"}),
        ("several_frames", {"NumberOfFrames": 2}),
        ("too_many_pixels", {"Rows": 60000, "Columns": 60000}),
        ("too_small", {"Rows": 8}),
        ("no_pixels", {"PixelData": None}),
    ],
)
def test_film_that_is_not_a_frontal_chest_film_is_refused_by_its_header(code, elements):
    content = dicom_bytes(draw_phantom("normal", 1), **elements)
    with pytest.raises((FilmRefused, FilmUnreadable)) as refusal:
        read_dicom(content, 40_000_000, 96)
    assert refusal.value.code == code


def test_damaged_dicom_is_unreadable_and_never_a_traceback():
    content = dicom_bytes(draw_phantom("normal", 1))
    for cut in (140, 200, 400, len(content) // 2, len(content) - 3):
        with pytest.raises(FilmUnreadable):
            read_film(content[:cut])


@pytest.mark.parametrize("tag", [b"\x20\x00\x20\x00CS", b"\x10\x00\x10\x10AS"])
def test_an_element_of_no_known_kind_is_damage_wherever_it_is_first_read(tag):
    """Elements are parsed when they are asked for: orientation and age come last, after the pixels."""
    content = dicom_bytes(draw_phantom("normal", 1), PatientOrientation=["L", "F"], PatientAge="004Y")
    assert tag in content
    with pytest.raises(FilmUnreadable, match="damaged"):
        read_film(content.replace(tag, tag[:4] + b"KS"))


def test_a_film_beyond_the_memory_is_not_called_damaged():
    """The file is sound and the message must not say otherwise."""
    script = (
        "import resource, sys, pydicom.pixels\n"
        "from edge_app.imaging.film import read_film; from edge_app.errors import FilmUnreadable\n"
        "content = sys.stdin.buffer.read()\n"
        "pages = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (pages + 4 * 2**20,) * 2)\n"
        "try: read_film(content)\n"
        "except FilmUnreadable as error: print(error.code)\n"
    )
    content = dicom_bytes((np.arange(3000 * 3000) % 4096).astype(np.uint16).reshape(3000, 3000))
    child = subprocess.run([sys.executable, "-c", script], input=content, capture_output=True, env=ENVIRONMENT)
    assert (child.stdout.strip(), child.returncode) == (b"no_memory", 0), child.stderr


def test_one_gray_level_is_blank():
    with pytest.raises(FilmRefused, match="same"):
        read_film(dicom_bytes(np.full((200, 200), 7, np.uint16)))


def test_large_film_keeps_its_size_and_its_age():
    pixels = draw_phantom("viral", 1, PhantomStyle(width_px=400, height_px=300)).astype(np.uint16) * 16
    film = read_film(dicom_bytes(pixels, bits_stored=12, PatientAge="018M"))
    assert (film.width_px, film.height_px, film.pixels.shape) == (400, 300, (300, 400))
    assert film.age_years == 1.5


def test_a_film_has_an_origin_only_where_all_four_uids_are_there():
    whole = {"SOPInstanceUID": "1.2", "StudyInstanceUID": "1.3", "SeriesInstanceUID": "1.4"}
    pixels = draw_phantom("normal", 1)
    origin = DicomOrigin(DigitalXRayImageStorageForPresentation, "1.2", "1.3", "1.4")
    assert read_film(dicom_bytes(pixels, **whole)).dicom_origin == origin
    for name in whole:
        assert read_film(dicom_bytes(pixels, **whole | {name: ""})).dicom_origin is None


def test_an_element_of_no_known_kind_among_the_uids_costs_the_origin_and_not_the_film():
    content = dicom_bytes(draw_phantom("normal", 1), StudyInstanceUID="1.3", SeriesInstanceUID="1.4")
    tag = b"\x20\x00\x0d\x00UI"
    assert tag in content
    assert read_film(content.replace(tag, tag[:4] + b"KS")).dicom_origin is None


@pytest.mark.parametrize(
    ("text", "years"), [("003Y", 3), ("018M", 1.5), ("000D", 0), ("", None), ("0Z3Y", None), ("UNKNOWN", None)]
)
def test_age_string_is_read_as_the_standard_says(text, years):
    assert parse_age(text) == years


def test_age_comes_from_the_dates_where_it_is_not_stated():
    film = read_film(dicom_bytes(draw_phantom("normal", 1), PatientBirthDate="20230701", StudyDate="20260701"))
    assert film.age_years == pytest.approx(3, abs=0.01)


class CardForAges:
    def __init__(self, *years):
        self.training = {"age_range_years": years} if years else {}


@pytest.mark.parametrize(("age", "years"), [(None, ()), (1, ()), (3, ()), (5.99, ()), (0.2, (0, 5)), (40, (18, 99))])
def test_patient_in_the_cards_range_passes(age, years):
    check_age(age, CardForAges(*years))


@pytest.mark.parametrize(("age", "years"), [(0.2, ()), (6, ()), (40, ()), (0.9, (1, 5)), (7, (1, 5)), (3, (18, 99))])
def test_patient_out_of_the_cards_range_is_refused(age, years):
    with pytest.raises(FilmRefused) as refusal:
        check_age(age, CardForAges(*years))
    assert refusal.value.code == "age_out_of_range"


def test_pydicom_is_not_loaded_for_other_films():
    code = (
        "import sys; from edge_app.imaging.film import read_film; from edge_app.imaging.phantom import phantom_png;"
        "read_film(phantom_png('normal', 1)); sys.exit('pydicom' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
