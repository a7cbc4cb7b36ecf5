"""Reading a DICOM film: from the bytes of a file to 8-bit pixels, bright is dense.

The order is the standard's (PS3.4 annex N): stored values, modality LUT, VOI LUT or window, then
MONOCHROME1 is inverted, then 8 bits. The header is checked before a pixel is decoded. Only the patient's age is
used; names, numbers and dates are never returned, shown or kept.
"""

import io
import re
import warnings
from datetime import date
from typing import Any

import numpy as np

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging.formats.base import MAX_PIXELS, MIN_SIDE_PX, DicomOrigin, Film, FilmFormat, check_size

MAGIC_OFFSET = 128
MAGIC = b"DICM"
MODALITIES = frozenset({"CR", "DX"})
CHEST_PARTS = frozenset({"", "CHEST", "THORAX", "LUNG"})
MAX_BITS = 16  # allocated per pixel; a DX film has 8 or 16 (PS3.3 C.8.11.3)
ROWS_AT_ONCE = 256
LATERAL_VIEWS = frozenset({"LL", "RL", "LLD", "RLD", "LLO", "RLO"})
# Whether to mirror left and right, by Patient Orientation (PS3.3 C.7.6.1.1.1). Films with other values
# lie on their side, are upside down, or lateral.
UPRIGHT = {("L", "F"): False, ("R", "F"): True}
UID = re.compile(r"[0-9][0-9.]{0,63}")
UID_TAGS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
AGE = re.compile(r"(\d{3})([DWMY])")
DAYS_PER_YEAR = 365.25
DAYS_OF = {"D": 1.0, "W": 7.0, "M": DAYS_PER_YEAR / 12, "Y": DAYS_PER_YEAR}


def is_dicom(content: bytes) -> bool:
    """Whether the bytes are a DICOM part 10 file."""
    return content[MAGIC_OFFSET : MAGIC_OFFSET + 4] == MAGIC


def read(content: bytes, _: int | None) -> Film:
    """Decode at full size."""
    return read_dicom(content, MAX_PIXELS, MIN_SIDE_PX)


def read_dicom(content: bytes, max_pixels: int, min_side_px: int) -> Film:
    """Decode one DICOM film.

    Args:
        content: the bytes of a part 10 file.
        max_pixels: a larger film is not decoded.
        min_side_px: a film with a shorter side is refused.
    Raises:
        FilmUnreadable: pydicom is missing, the file damaged, of several frames, too large, or in a
            transfer syntax that no installed decoder reads.
        FilmRefused: not a CR or DX film of a chest from the front, too small, or in colour.
    """
    try:
        import pydicom
    except ImportError as cause:
        raise FilmUnreadable("no_dicom", "DICOM films need pydicom: pip install pydicom.") from cause
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns about values that break the standard, and many files have them
        try:
            dataset = pydicom.dcmread(io.BytesIO(content))
            _check_header(dataset, max_pixels, min_side_px)
            stored = _stored_values(dataset)
            pixels = _upright(_rendered(stored, dataset), dataset)
            height_px, width_px = pixels.shape
            return Film(pixels, width_px, height_px, _age_years(dataset), _origin(dataset))
        except (FilmUnreadable, FilmRefused):
            raise
        except MemoryError as cause:
            raise FilmUnreadable(
                "no_memory", "This device has too little free memory for the film: export it smaller."
            ) from cause
        except Exception as cause:  # a file made to break the decoder can raise anything
            raise FilmUnreadable("damaged", "The DICOM file is damaged or cut short: export it again.") from cause


def _check_header(dataset: Any, max_pixels: int, min_side_px: int) -> None:
    rows, columns = int(dataset.get("Rows", 0)), int(dataset.get("Columns", 0))
    modality, part = str(dataset.get("Modality", "")), str(dataset.get("BodyPartExamined", "")).strip().upper()
    if "PixelData" not in dataset or not rows or not columns:
        raise FilmUnreadable("no_pixels", "The DICOM file holds no picture.")
    if modality not in MODALITIES:
        raise FilmRefused("not_an_xray", f"The file's modality is {modality or 'missing'}; CR and DX are read.")
    if part not in CHEST_PARTS:
        raise FilmRefused("not_a_chest_film", "The file says that it shows another part of the body.")
    if str(dataset.get("ViewPosition", "")).strip().upper() in LATERAL_VIEWS:
        raise FilmRefused("lateral_view", "This is a film from the side; films from the front are read.")
    if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        raise FilmUnreadable("several_frames", "The file holds several pictures; export one film per file.")
    if int(dataset.SamplesPerPixel) != 1 or dataset.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2"):
        raise FilmRefused("colour_picture", "This is a colour picture, not an X-ray film.")
    check_size(columns, rows, max_pixels, min_side_px)


def _stored_values(dataset: Any) -> np.ndarray:
    """Pixel values as stored, (height, width), 8 or 16 bits; unused high bits may hold old overlays."""
    try:
        values: np.ndarray = dataset.pixel_array
    except (NotImplementedError, RuntimeError, AttributeError) as cause:
        syntax = dataset.file_meta.TransferSyntaxUID.name
        if "missing dependencies" in str(cause) or isinstance(cause, NotImplementedError):
            raise FilmUnreadable(
                "no_decoder", f"No decoder for {syntax} is installed: pip install 'cxr-edge-kit[dicom]'."
            ) from cause
        raise
    bits, allocated = int(dataset.BitsStored), 8 * values.dtype.itemsize
    if allocated > MAX_BITS or not 0 < bits <= allocated:
        raise FilmUnreadable("damaged", f"The file says {bits} of {allocated} bits per pixel; a film has 8 or 16.")
    return values


def _rendered(stored: np.ndarray, dataset: Any) -> np.ndarray:
    """Stored values to 8 bits: computed once per value that occurs, then looked up per pixel.

    A few rows at a time: a whole large film in float64 takes a gigabyte, more than a Pi has.
    """
    kind = stored.dtype.newbyteorder("=").str
    codes = stored.view(stored.dtype.str.replace("i", "u"))  # the same bits, as indices into a table
    occurs = np.zeros(2 ** (8 * codes.dtype.itemsize), dtype=bool)
    for top in range(0, len(codes), ROWS_AT_ONCE):
        occurs[codes[top : top + ROWS_AT_ONCE]] = True
    used = np.flatnonzero(occurs).astype(kind.replace("i", "u"))
    table = np.zeros(len(occurs), dtype=np.uint8)
    table[used] = _gray_levels(used.view(kind), dataset)
    film = np.empty(codes.shape, dtype=np.uint8)
    for top in range(0, len(codes), ROWS_AT_ONCE):
        film[top : top + ROWS_AT_ONCE] = table[codes[top : top + ROWS_AT_ONCE]]
    return film


def _gray_levels(stored: np.ndarray, dataset: Any) -> np.ndarray:
    """Map every value that occurs in a film to 8 bits, by the file's own LUTs or window, else by its range."""
    from pydicom.pixels import apply_modality_lut

    unused = 8 * stored.dtype.itemsize - int(dataset.BitsStored)
    stored = (stored << unused) >> unused  # keeps the sign of signed values
    values = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float64)
    centre, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    if dataset.get("VOILUTSequence"):
        shares = _through_lut(values, dataset.VOILUTSequence[0])
    elif centre is not None and width is not None:
        function = str(dataset.get("VOILUTFunction", "") or "LINEAR").strip().upper()
        shares = _through_window(values, centre, width, function)
    else:
        used = values[stored != dataset.PixelPaddingValue] if "PixelPaddingValue" in dataset else values
        low, high = (used.min(), used.max()) if used.size else (0.0, 1.0)
        shares = (values - low) / max(high - low, 1e-12)
    shares = np.clip(shares, 0.0, 1.0)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shares = 1.0 - shares
    return np.round(255.0 * shares).astype(np.uint8)


def _through_window(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3; shares of the output range, before clipping to 0..1."""
    if function == "SIGMOID":
        shares: np.ndarray = 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -500, 500)))
    elif function == "LINEAR_EXACT":
        shares = (values - centre) / width + 0.5
    elif width > 1:
        shares = (values - (centre - 0.5)) / (width - 1.0) + 0.5
    else:  # a width of 1 is a step
        shares = (values > centre - 0.5).astype(np.float64)
    return shares


def _through_lut(values: np.ndarray, item: Any) -> np.ndarray:
    """PS3.3 C.11.2.1.1: values below the first mapped one take the first entry, above the last the last."""
    count, first, bits = (int(number) for number in item.LUTDescriptor)
    data = item.LUTData
    if isinstance(data, bytes):
        table = np.frombuffer(data, dtype="<u2" if len(data) >= 2 * (count or 65536) else "u1")
    else:
        table = np.atleast_1d(np.asarray(data))
    table = table[: count or 65536].astype(np.float64)
    if first >= 2**15 and values.min() < 0:
        first -= 2**16  # some X-ray machines write the descriptor as unsigned
    places = np.clip(np.round(values).astype(np.int64) - first, 0, len(table) - 1)
    shares: np.ndarray = table[places] / (2.0**bits - 1.0)
    return shares


def _first(dataset: Any, name: str) -> float | None:
    """The first value of an element that may be absent, empty or multi-valued."""
    value = dataset.get(name)
    if value is None or value == "":
        return None
    return float(value[0] if hasattr(value, "__len__") else value)


def _upright(film: np.ndarray, dataset: Any) -> np.ndarray:
    """Mirror a film whose header says that it is seen from behind; refuse one that is not upright."""
    letters = tuple(str(letter).strip().upper()[:1] for letter in (dataset.get("PatientOrientation") or ()))
    if len(letters) != 2 or "" in letters:
        return film
    if letters in UPRIGHT:
        return np.ascontiguousarray(film[:, ::-1]) if UPRIGHT[letters] else film
    if {"A", "P"} & set(letters):
        raise FilmRefused("lateral_view", "This is a film from the side; films from the front are read.")
    raise FilmRefused("sideways", "The film is not upright: turn it so that the head is up.")


def _age_years(dataset: Any) -> float | None:
    age = parse_age(str(dataset.get("PatientAge", "") or ""))
    if age is not None:
        return age
    return age_between(str(dataset.get("PatientBirthDate", "") or ""), str(dataset.get("StudyDate", "") or ""))


def parse_age(text: str) -> float | None:
    """DICOM's age string (VR AS, PS3.5 section 6.2) in years; None when it is invalid."""
    found = AGE.fullmatch(text.strip())
    return int(found[1]) * DAYS_OF[found[2]] / DAYS_PER_YEAR if found else None


def age_between(birth: str, study: str) -> float | None:
    """Years between two DICOM dates (YYYYMMDD); None when one is missing or wrong, or when they are swapped."""
    try:
        born, seen = (date(int(text[:4]), int(text[4:6]), int(text[6:8])) for text in (birth, study))
    except ValueError:
        return None
    days = (seen - born).days
    return days / DAYS_PER_YEAR if days >= 0 else None


def _origin(dataset: Any) -> DicomOrigin | None:
    """The UIDs; None where one is missing or invalid."""
    try:
        uids = [str(dataset.get(name, "")) for name in UID_TAGS]
    except Exception:  # a malicious element can raise anything, and the film itself is intact
        return None
    return DicomOrigin(*uids) if all(UID.fullmatch(uid) for uid in uids) else None


FORMAT = FilmFormat("DICOM", (".dcm", ".dicom"), is_dicom, read)
