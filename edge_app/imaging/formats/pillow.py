"""Shared by the formats that Pillow decodes: checks of the header, decoding, and gray levels."""

import io
import warnings
from collections.abc import Callable
from importlib import import_module

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from edge_app.errors import FilmRefused, FilmUnreadable
from edge_app.imaging.formats.base import MAX_PIXELS, Film, FilmFormat, check_size

# Mean difference between colour channels, in gray levels, above which a picture is not a film.
# Gray films saved as colour JPEGs stay under 3; colour photographs are above 15.
MAX_COLOUR_SPREAD = 10.0
ROWS_AT_ONCE = 256
SIXTEEN_BIT_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "F"})


def pillow_format(name: str, suffixes: tuple[str, ...], recognises: Callable[[bytes], bool], plugin: str) -> FilmFormat:
    """A format that Pillow decodes at full size.

    Args:
        name: as `Image.open` takes it, in any case.
        plugin: the module of Pillow that registers the format.
    """

    def read(content: bytes, _: int | None) -> Film:
        import_module(f"PIL.{plugin}")  # without it `Image.open` would import every plug-in
        image = opened(lambda: Image.open(io.BytesIO(content), formats=(name,)))
        return film_of(image, image.size)

    return FilmFormat(name, suffixes, recognises, read)


def opened(open_image: Callable[[], Image.Image]) -> Image.Image:
    """Open without decoding, and refuse what the header shows to be unfit.

    Raises:
        FilmUnreadable: not a picture, damaged, too large or of several frames.
        FilmRefused: too small.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about huge pictures; MAX_PIXELS refuses them
            image = open_image()
            frames = getattr(image, "n_frames", 1)
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


def film_of(image: Image.Image, size: tuple[int, int]) -> Film:
    """Decode an opened picture to 8-bit grayscale, upright by its EXIF orientation.

    Args:
        size: width and height of the original in pixels.
    Raises:
        FilmUnreadable: damaged, or too large for this device's memory.
        FilmRefused: a colour picture.
    """
    width_px, height_px = size
    try:
        pixels = _grayscale(_decoded(image))
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
    """`_scaled_to_8_bits` for uint16: computed once per value, not once per pixel."""
    low, high = values.min(), values.max()
    return _scaled_to_8_bits(np.arange(low, high + 1, dtype=np.int32))[values - low]


def _scaled_to_8_bits(values: np.ndarray) -> np.ndarray:
    """Scale by the range that the picture uses: `convert("L")` would clip 16 bits to white.

    A few rows at a time: a whole large film in float64 takes over a gigabyte, more than a Pi has.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):  # a NaN anywhere makes both NaN
        raise FilmUnreadable("damaged", "The picture holds values that are not numbers: export it again.")
    scale = 255.0 / max(high - low, 1e-12)
    pixels = np.empty(values.shape, dtype=np.uint8)
    for top in range(0, len(values), ROWS_AT_ONCE):
        rows = values[top : top + ROWS_AT_ONCE].astype(np.float64)
        pixels[top : top + ROWS_AT_ONCE] = np.round((rows - low) * scale)
    return pixels
