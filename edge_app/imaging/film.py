"""Reading a film: from the bytes of a file to an 8-bit grayscale array.

Nothing here trusts the file. Its size is read before its pixels, its pixels are decoded to the
last one, and whatever fails becomes a `FilmUnreadable` with a code and a sentence.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging.dicom import is_dicom, read_dicom

JPEG_START = b"\xff\xd8\xff"
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".dcm", ".dicom"})
MAX_FILE_BYTES = 64 * 2**20
MAX_PIXELS = 40_000_000  # 6,300 x 6,300; a large digital plate has some 15 million
MIN_SIDE_PX = 96
# Mean difference between colour channels, in gray levels, above which a picture is no film.
# Gray films saved as colour JPEGs stay under 3; colour photographs are above 15.
MAX_COLOUR_SPREAD = 10.0
ROWS_AT_ONCE = 256
SIXTEEN_BIT_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "F"})


@dataclass(frozen=True)
class Film:
    """A decoded film.

    `pixels` is uint8, shape (height, width), bright is dense. `width_px` and `height_px` are the
    size of the original, which is larger than `pixels` when a JPEG was decoded at reduced scale.
    `age_years` is the patient's, where a DICOM file says it.
    """

    pixels: np.ndarray
    width_px: int
    height_px: int
    age_years: float | None = None


def read_film(source: Path | bytes, min_side_px: int | None = None) -> Film:
    """Decode one film.

    Args:
        source: a path, or the bytes of a file.
        min_side_px: when given, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as
            both sides stay at least this long. Saves time and memory on large films.
    Returns:
        The film, 8-bit grayscale, upright by its EXIF orientation.
    Raises:
        FilmUnreadable: missing, empty, no image, damaged, too large or of several frames.
        FilmRefused: too small, of one single gray, or a colour picture.
    """
    content = source if isinstance(source, bytes) else film_content(source)
    if not content:
        raise FilmUnreadable("empty_file", "The file is empty: export it from the X-ray machine again.")
    if is_dicom(content):
        pixels, age_years = read_dicom(content, MAX_PIXELS, MIN_SIDE_PX)
        _check_not_blank(pixels)
        return Film(pixels, width_px=pixels.shape[1], height_px=pixels.shape[0], age_years=age_years)
    image = _opened(content)
    width_px, height_px = image.size
    if min_side_px and image.format == "JPEG":
        image.draft(None, _draft_size(image.size, min_side_px))
    try:
        pixels = _grayscale(_decoded(image))
    except MemoryError as cause:
        raise FilmUnreadable(
            "no_memory",
            f"This device has too little free memory for {width_px} x {height_px} pixels: export the film smaller.",
        ) from cause
    _check_not_blank(pixels)
    return Film(pixels=pixels, width_px=width_px, height_px=height_px)


def _check_not_blank(pixels: np.ndarray) -> None:
    if pixels.min() == pixels.max():
        raise FilmRefused("blank", "Every pixel of the picture is the same: nothing was exposed or exported.")


def film_content(path: Path) -> bytes:
    """The bytes of a file that is not larger than a film may be.

    Raises:
        FilmUnreadable: missing, a folder, too large, or not readable.
    """
    try:
        if path.is_dir():
            raise FilmUnreadable("not_a_file", "This is a folder, not a film.")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise FilmUnreadable(
                "file_too_large",
                f"The file has {size / 2**20:.0f} MiB, at most {MAX_FILE_BYTES // 2**20} are read.",
            )
        return path.read_bytes()
    except FileNotFoundError as cause:
        raise FilmUnreadable("missing", "There is no such file.") from cause
    except OSError as cause:
        raise FilmUnreadable("unreadable", f"The file cannot be read: {cause.strerror or cause}.") from cause


def _opened(content: bytes) -> Image.Image:
    """Open without decoding, and refuse by the header what must not be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of bombs; MAX_PIXELS below refuses them
            image = _image(content)
            frames = getattr(image, "n_frames", 1)
    except Image.DecompressionBombError as cause:
        raise FilmUnreadable("too_many_pixels", f"More than {MAX_PIXELS:,} pixels are not read.") from cause
    except UnidentifiedImageError as cause:
        raise FilmUnreadable(
            "not_an_image", f"This is no picture the kit reads; it reads {', '.join(FORMATS)} and DICOM."
        ) from cause
    except Exception as cause:  # a header made to break the decoder may raise anything
        raise FilmUnreadable("damaged", "The head of the file is damaged: export it again.") from cause
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise FilmUnreadable(
            "too_many_pixels", f"The picture has {width} x {height} pixels, at most {MAX_PIXELS:,} are read."
        )
    if min(width, height) < MIN_SIDE_PX:
        raise FilmRefused(
            "too_small", f"The picture has {width} x {height} pixels, the shorter side needs {MIN_SIDE_PX}."
        )
    if frames > 1:
        raise FilmUnreadable("several_frames", "The file holds several pictures; export one film a file.")
    return image


def _image(content: bytes) -> Image.Image:
    """`Image.open` loads the code of five formats before it looks at a file; most films are JPEGs."""
    if not content.startswith(JPEG_START):
        return Image.open(io.BytesIO(content), formats=FORMATS)
    from PIL import JpegImagePlugin

    return JpegImagePlugin.jpeg_factory(io.BytesIO(content))


def _draft_size(size: tuple[int, int], min_side_px: int) -> tuple[int, int]:
    """The size to ask of the JPEG decoder; it never goes below what is asked for."""
    scale = min_side_px / min(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _decoded(image: Image.Image) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()  # verify() lets truncated JPEGs pass, load() does not
            return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception as cause:  # decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise FilmUnreadable("damaged", "The file is damaged or cut short: export it again.") from cause


def _grayscale(image: Image.Image) -> np.ndarray:
    """Any mode to uint8, shape (height, width)."""
    if image.mode == "I;16":
        return _scaled_by_table(np.asarray(image))
    if image.mode in SIXTEEN_BIT_MODES:
        return _scaled_to_8_bits(np.asarray(image))
    if image.mode in ("L", "1"):
        return np.asarray(image if image.mode == "L" else image.convert("L"))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        opaque = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(opaque, image.convert("RGBA"))
    colour = image.convert("RGB")
    thumbnail = np.asarray(colour.resize((64, 64), Image.Resampling.BOX), dtype=np.int16)
    spread = float((thumbnail.max(axis=2) - thumbnail.min(axis=2)).mean())
    if spread > MAX_COLOUR_SPREAD:
        raise FilmRefused("colour_picture", "This is a colour picture, not an X-ray film.")
    return np.asarray(colour.convert("L"))


def _scaled_by_table(values: np.ndarray) -> np.ndarray:
    """`_scaled_to_8_bits` for uint16: worked out for each value there is, not for each pixel."""
    low, high = values.min(), values.max()
    return _scaled_to_8_bits(np.arange(low, high + 1, dtype=np.int32))[values - low]


def _scaled_to_8_bits(values: np.ndarray) -> np.ndarray:
    """Scale by the range the picture really uses: `convert("L")` would clip 16 bits to white.

    A few rows at a time: all of a large film in float64 takes over a gigabyte, more than a Pi has.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):  # a NaN anywhere makes both NaN
        raise FilmUnreadable("damaged", "The picture holds values that are no numbers: export it again.")
    scale = 255.0 / max(high - low, 1e-12)
    pixels = np.empty(values.shape, dtype=np.uint8)
    for top in range(0, len(values), ROWS_AT_ONCE):
        rows = values[top : top + ROWS_AT_ONCE].astype(np.float64)
        pixels[top : top + ROWS_AT_ONCE] = np.round((rows - low) * scale)
    return pixels
