"""Shared by the formats that Pillow decodes: checks of the header, decoding, and gray levels."""

import io
import warnings
from collections.abc import Callable
from importlib import import_module

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging.formats.base import Film, FilmFormat, check_size
from edge_app.imaging.gray_levels import look_up, range_in_use, sample_of, stretched
from edge_app.imaging.limits import MAX_PIXELS
from edge_app.imaging.pillow_memory import lent_values

# Mean difference between colour channels, in gray levels, above which a picture is not a film.
# Gray films saved as colour JPEGs stay under 3; colour photographs are above 15.
MAX_COLOUR_SPREAD = 10.0
ROWS_AT_ONCE = 256
STRIP_ROWS = 32
SIXTEEN_BIT_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "F"})
ORIENTATION = 0x0112  # in EXIF data


def pillow_format(
    name: str,
    suffixes: tuple[str, ...],
    recognises: Callable[[bytes], bool],
    plugin: str,
    is_safe: Callable[[bytes], bool] = lambda _: False,
) -> FilmFormat:
    """A format that Pillow decodes at full size.

    Args:
        name: as `Image.open` takes it, in any case.
        plugin: the module of Pillow that registers the format.
        is_safe: as in `FilmFormat`.
    """

    def read(content: bytes, _: int | None) -> Film:
        import_module(f"PIL.{plugin}")  # without it `Image.open` would import every plug-in
        image = opened(lambda: Image.open(io.BytesIO(content), formats=(name,)))
        return film_of(image, image.size)

    return FilmFormat(name, suffixes, recognises, read, is_safe)


def number_of_frames(image: Image.Image) -> int:
    """How many pictures a file holds."""
    return int(getattr(image, "n_frames", 1))


def opened(
    open_image: Callable[[], Image.Image], count_films: Callable[[Image.Image], int] = number_of_frames
) -> Image.Image:
    """Open without decoding, and refuse what the header shows to be unfit.

    Args:
        count_films: how many films an opened file holds.

    Raises:
        FilmUnreadable: not a picture, damaged, too large or of several frames.
        FilmRefused: too small.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about huge pictures; MAX_PIXELS refuses them
            image = open_image()
            frames = count_films(image)
    except FilmUnreadable:
        raise
    except MemoryError as cause:
        raise FilmUnreadable(
            "no_memory", "This device has too little free memory for the film: export it smaller."
        ) from cause
    except Image.DecompressionBombError as cause:
        raise FilmUnreadable("too_many_pixels", f"More than {MAX_PIXELS:,} pixels are not read.") from cause
    except UnidentifiedImageError as cause:
        raise FilmUnreadable(
            "not_an_image", "The file begins like a picture, but is not one: export it again."
        ) from cause
    except Exception as cause:  # a header made to break the decoder may raise anything
        raise FilmUnreadable("damaged", "The header of the file is damaged: export it again.") from cause
    check_size(*image.size)
    if frames > 1:
        raise FilmUnreadable("several_frames", "The file holds several pictures; export one film per file.")
    return image


def film_of(image: Image.Image, size: tuple[int, int], white_is_zero: bool = False) -> Film:
    """Decode an opened picture to 8-bit grayscale, upright by its EXIF orientation.

    Args:
        size: width and height of the original in pixels.
        white_is_zero: the lowest value of 16 or 32 bits is white; Pillow inverts only 8 bits and less.
    Raises:
        FilmUnreadable: damaged, or too large for this device's memory.
        FilmRefused: a colour picture.
    """
    width_px, height_px = size
    try:
        decoded = _decoded(image)
        pixels = _grayscale(decoded)
        if white_is_zero and decoded.mode in SIXTEEN_BIT_MODES:
            np.subtract(255, pixels, out=pixels)
    except MemoryError as cause:
        raise FilmUnreadable(
            "no_memory",
            f"This device has too little free memory for {width_px} x {height_px} pixels: export the film smaller.",
        ) from cause
    return Film(pixels=pixels, width_px=width_px, height_px=height_px)


def _decoded(image: Image.Image) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()  # verify() lets truncated JPEGs pass, load() does not
            return _upright(image)
    except MemoryError:
        raise
    except Exception as cause:  # decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise FilmUnreadable("damaged", "The file is damaged or cut short: export it again.") from cause


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; without one, `exif_transpose` would copy the picture for nothing."""
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a damaged EXIF block may raise anything; the picture itself is intact
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


def _grayscale(image: Image.Image) -> np.ndarray:
    """Any mode to uint8, shape (height, width)."""
    if image.mode in SIXTEEN_BIT_MODES:
        return _scaled_to_8_bits(_values_of(image))
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


def _values_of(image: Image.Image) -> np.ndarray:
    """The values of a picture of 16 or 32 bits: Pillow's own where it lends them, else copied a few rows at a time.

    All at once, `np.asarray` makes two copies of the whole picture, whose memory costs more time than their bytes.
    """
    lent = lent_values(image)
    if lent is not None:
        return lent
    width, height = image.size
    values = np.empty((height, width), dtype=np.asarray(image.crop((0, 0, 1, 1))).dtype)
    for top in range(0, height, STRIP_ROWS):
        bottom = min(top + STRIP_ROWS, height)
        values[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    return values


def _scaled_to_8_bits(values: np.ndarray) -> np.ndarray:
    """Scale by the range that the picture uses: `convert("L")` would clip 16 bits to white.

    16 bits are computed once per value, not once per pixel. Others are computed a few rows at a time: a whole
    large film in float64 takes over a gigabyte, more than a Pi has.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):  # a NaN anywhere makes both NaN
        raise FilmUnreadable("damaged", "The picture holds values that are not numbers: export it again.")
    low, high = range_in_use(low, high, sample_of(values))
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        table = stretched(np.arange(2**16), low, high)
        return look_up(table, values.astype(np.uint16, copy=False))  # the machine's own byte order
    pixels = np.empty(values.shape, dtype=np.uint8)
    for top in range(0, len(values), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        pixels[rows] = stretched(values[rows], low, high)
    return pixels
