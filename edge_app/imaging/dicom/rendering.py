"""From stored values to gray levels, in the standard's order (PS3.4 annex N).

Stored value, modality LUT or rescale, VOI LUT or window, MONOCHROME1 inverted, 8 bits. All of it is computed
once for each value that 8 or 16 bits can have; each pixel is then looked up.
"""

from collections.abc import Iterator

import numpy as np

from edge_app.imaging.dicom.header import Header
from edge_app.imaging.dicom.stored_values import PixelLayout
from edge_app.imaging.gray_levels import MIN_LEVELS, look_up, range_in_use, sample_of

ROWS_AT_ONCE = 256
BOUNDS_ROWS = 32
# Of the pixels, this share must be neither black nor white, or a window shows no film, and is not used.
MIN_SHOWN = 0.1


def rendered(stored: np.ndarray, header: Header, layout: PixelLayout) -> np.ndarray:
    """Stored values as gray levels; padding is black.

    Args:
        stored: as `stored_values` returns them.
    Returns:
        uint8, shape (rows, columns), bright is dense.
    """
    codes = stored.view(stored.dtype.str.replace("i", "u"))  # the same bits, as indices into a table
    every = np.arange(int(codes.max()) + 1)
    whole = _decoded(every, layout, 8 * codes.dtype.itemsize)
    values = _rescaled(whole, header)
    padding = _padding(every, header, layout, 2 ** (8 * codes.dtype.itemsize))
    sample = sample_of(codes).ravel()
    if padding is not None:
        sample = sample[~padding[sample]]
    shares = next((shares for shares in _voi_shares(values, header) if _shows_a_film(shares, sample, values)), None)
    if shares is None:
        low, high = _extremes(codes, whole, values, padding)
        low, high = range_in_use(low, high, values[sample])
        shares = (values - low) / max(high - low, 1e-12)
    shares = np.clip(shares, 0.0, 1.0)
    if header.text("PhotometricInterpretation").upper() == "MONOCHROME1":
        shares = 1.0 - shares
    table = np.round(255.0 * shares).astype(np.uint8)
    if padding is not None:
        table[padding] = 0
    return look_up(table, codes)


def _decoded(every: np.ndarray, layout: PixelLayout, bits: int) -> np.ndarray:
    """The value that each code stands for. Bits outside the stored ones may hold old overlays.

    Args:
        every: all codes, from 0 to the highest that occurs.
        bits: of a code.
    """
    unused = layout.high + 1 - layout.stored
    if unused and len(every) <= 2**layout.stored:
        unused = 0  # the header puts the value into the high bits, and the machine did not
    bits = min(layout.stored, bits)
    whole = (every >> unused) & (2**bits - 1)
    return np.where(whole >= 2 ** (bits - 1), whole - 2**bits, whole) if layout.is_signed else whole


def _rescaled(whole: np.ndarray, header: Header) -> np.ndarray:
    """The modality LUT (PS3.3 C.11.1); an empty or impossible one changes nothing."""
    for item in header.items("ModalityLUTSequence"):
        entries = _lut(item, whole)
        if entries is not None:
            return entries[0]
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    return whole * (slope or 1.0) + (intercept or 0.0)


def _padding(every: np.ndarray, header: Header, layout: PixelLayout, modulus: int) -> np.ndarray | None:
    """Which codes are background, by value or range (PS3.3 C.7.5.1.1.2); None when the file names none."""
    first = header.number("PixelPaddingValue")
    if first is None:
        return None
    last = header.number("PixelPaddingRangeLimit")
    ends = [int(end) % modulus for end in (first, first if last is None else last)]
    if layout.is_signed:
        every = np.where(every >= modulus // 2, every - modulus, every)
        ends = [end - modulus if end >= modulus // 2 else end for end in ends]
    return (every >= min(ends)) & (every <= max(ends))


def _voi_shares(values: np.ndarray, header: Header) -> Iterator[np.ndarray]:
    """The file's own ways to show it, as shares of the gray scale before clipping: LUTs first, then windows."""
    for item in header.items("VOILUTSequence"):
        entries = _lut(item, np.round(values).astype(np.int64))
        if entries is not None:
            yield entries[0] / (2.0 ** entries[1] - 1.0)
    function = header.text("VOILUTFunction").upper() or "LINEAR"
    for centre, width in zip(header.numbers("WindowCenter"), header.numbers("WindowWidth"), strict=False):
        if width >= 1 or (function in ("LINEAR_EXACT", "SIGMOID") and width > 0):
            yield _through_window(values, centre, width, function)


def _shows_a_film(shares: np.ndarray, sample: np.ndarray, values: np.ndarray) -> bool:
    """Whether a window leaves gray levels of the picture, and does not make it black and white."""
    if not sample.size:
        return False
    shown = shares[sample]
    inside = (shown > 0) & (shown < 1)
    levels = len(np.unique(np.round(255 * np.clip(shown, 0, 1))))
    return levels >= min(MIN_LEVELS, len(np.unique(values[sample])) // 2) and inside.mean() >= MIN_SHOWN


def _extremes(
    codes: np.ndarray, whole: np.ndarray, values: np.ndarray, padding: np.ndarray | None
) -> tuple[float, float]:
    """The lowest and the highest value that occurs outside the padding."""
    used = values[_occurring(codes, whole, padding)]
    return (float(used.min()), float(used.max())) if used.size else (0.0, 1.0)


def _occurring(codes: np.ndarray, whole: np.ndarray, padding: np.ndarray | None) -> np.ndarray:
    """Codes that bound all that occur outside the padding: the lowest and the highest where values rise with codes."""
    lowest = int(codes.min())
    if np.all(np.diff(whole[lowest:]) >= 0):
        bounds = (lowest, len(whole) - 1) if padding is None else _bounds(codes, padding)
        if bounds:
            return np.array(bounds)
    occurs = np.zeros(len(whole), dtype=bool)
    for top in range(0, len(codes), ROWS_AT_ONCE):
        occurs[codes[top : top + ROWS_AT_ONCE]] = True
    return np.flatnonzero(occurs if padding is None else occurs & ~padding)


def _bounds(codes: np.ndarray, padding: np.ndarray) -> tuple[int, int] | None:
    """The lowest and the highest code outside the padding; None when that is all there is, or not one range."""
    if not padding.any():
        return int(codes.min()), int(codes.max())
    first, last = (int(end) for end in np.flatnonzero(padding)[[0, -1]])
    if not padding[first : last + 1].all():
        return None
    kind = codes.dtype.type
    top = np.iinfo(codes.dtype).max
    lowest, highest = top, 0
    for row in range(0, len(codes), BOUNDS_ROWS):
        part = codes[row : row + BOUNDS_ROWS]
        is_padding = part - kind(first) <= kind(last - first)  # unsigned: what is below the range wraps to the top
        lowest = min(lowest, int(np.where(is_padding, kind(top), part).min()))
        highest = max(highest, int(np.where(is_padding, kind(0), part).max()))
    return (lowest, highest) if lowest <= highest else None


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


def _lut(item: Header, values: np.ndarray) -> tuple[np.ndarray, int] | None:
    """A look-up table applied, and its bits (PS3.3 C.11.2.1.1); None for an empty or impossible table.

    Values below the first mapped one take the first entry, above the last the last.
    """
    descriptor = [int(number) for number in item.numbers("LUTDescriptor")]
    data = item.raw("LUTData")
    if len(descriptor) != 3 or not data or not 0 < descriptor[2] <= 16:
        return None
    count, first, bits = descriptor[0] or 2**16, descriptor[1], descriptor[2]
    wide = len(data) >= 2 * count
    table = np.frombuffer(data, dtype="<u2" if wide else "u1", count=len(data) // 2 if wide else len(data))
    table = table[:count].astype(np.float64)
    if first >= 2**15 and values.min() < 0:
        first -= 2**16  # the descriptor is read as unsigned
    places = np.clip(values.astype(np.int64) - first, 0, len(table) - 1)
    return table[places], bits
