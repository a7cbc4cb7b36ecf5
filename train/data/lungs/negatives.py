"""Pictures in which the locator is to find no lungs.

Films that are upside down or turned by 90 degrees count as such: the device is to refuse them, since
the classifier was not trained on them. So do inverted films, and half a chest.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom, phantom_lung_mask
from train.data.lung_masks import SIDE_PX, MaskedFilms
from train.data.lungs.appearance import exposed, overlaid
from train.data.lungs.consolidation import lung_sides, painted, smooth_noise, tissue_gray
from train.data.lungs.geometry import LocatorRanges, background_gray, drawn_place, moved


@dataclass(frozen=True)
class _Source:
    """What a picture without lungs is made of."""

    film: np.ndarray  # uint8 (SIDE_PX, SIDE_PX)
    mask: np.ndarray  # uint8 of the same shape, 0 or 255
    ranges: LocatorRanges
    side_px: int  # of the locator's input
    rng: np.random.Generator


def draw_negative(
    films: MaskedFilms, ranges: LocatorRanges, side_px: int, rng: np.random.Generator, kind: str = ""
) -> np.ndarray:
    """One picture without lungs, uint8 (side_px, side_px).

    Args:
        kind: a key of `NEGATIVES`; drawn when left out.
    """
    row = rng.integers(len(films.pixels))
    kind = kind or str(rng.choice(list(NEGATIVES), p=[share for share, _ in NEGATIVES.values()]))
    picture = NEGATIVES[kind][1](_Source(films.pixels[row], films.masks[row], ranges, side_px, rng))
    picture, _ = overlaid(picture, np.zeros_like(picture), ranges, rng)
    return exposed(picture, ranges, side_px, rng)


def _part_without_lungs(source: _Source) -> np.ndarray:
    """A part of a film outside the lungs: neck, shoulder, arm, belly."""
    for _ in range(60):
        wide, high = source.rng.uniform(0.15, 0.45, 2) * SIDE_PX
        left, top = source.rng.uniform(0, SIDE_PX - wide), source.rng.uniform(0, SIDE_PX - high)
        here = slice(int(top), int(top + high)), slice(int(left), int(left + wide))
        if source.mask[here].mean() < 0.04 * 255 and source.film[here].std() > 8:
            return _enlarged(source.film[here], source.side_px)
    return _drawing(source)


def _half_a_chest(source: _Source) -> np.ndarray:
    """One lung without the other."""
    left, right = (np.flatnonzero(side.any(axis=0)) for side in lung_sides(source.mask))
    cut = source.rng.uniform(0, 0.15)
    if source.rng.random() < 0.5:
        half = source.film[:, : int(left[-1] - cut * len(left))]
    else:
        half = source.film[:, int(right[0] + cut * len(right)) :]
    return _enlarged(half, source.side_px)


def _enlarged(part: np.ndarray, side_px: int) -> np.ndarray:
    return np.asarray(Image.fromarray(part).resize((side_px, side_px), Image.Resampling.BILINEAR), np.float32)


def _turned(source: _Source) -> np.ndarray:
    """A film upside down or turned by 90 degrees."""
    turn_deg = float(source.rng.choice([90, 180, 270]))
    place = drawn_place(source.ranges, source.side_px, source.rng, turn_deg)
    return moved(source.film, place, source.side_px, background_gray(source.rng))


def _inverted(source: _Source) -> np.ndarray:
    """A film with its gray levels the other way round."""
    place = drawn_place(source.ranges, source.side_px, source.rng)
    return 255 - moved(source.film, place, source.side_px, background_gray(source.rng))


def _phantom_without_lungs(source: _Source) -> np.ndarray:
    """A phantom whose lungs are as dense as the tissue around them."""
    phantom, lungs = drawn_phantom(source.rng)
    blank = painted(phantom, lungs > 0, tissue_gray(phantom, lungs, 0.5), 1.0, 4.0)
    return moved(blank, drawn_place(source.ranges, source.side_px, source.rng), source.side_px, 0.0)


def _drawing(source: _Source) -> np.ndarray:
    """Smooth noise, ellipses, rectangles and lines of any gray: a picture of nothing."""
    rng, side = source.rng, source.side_px
    noise = smooth_noise(rng, side, cells=int(2 ** rng.uniform(0.5, 6))) * rng.uniform(30, 255)
    image = Image.fromarray(noise.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 7)):
        x, y = rng.uniform(-0.2, 1.0, 2) * side
        wide, high = rng.uniform(0.05, 0.8, 2) * side
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape([x, y, x + wide, y + high], fill=int(rng.integers(0, 256)))
    if rng.random() < 0.3:
        draw.line([tuple(point) for point in rng.uniform(0, side, (4, 2))], fill=255, width=int(rng.integers(1, 16)))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 3))), np.float32)


def drawn_phantom(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A phantom and its lungs, uint8 (SIDE_PX, SIDE_PX), the lungs 0 or 255."""
    seed = int(rng.integers(1_000_000))
    side = SIDE_PX // 2  # drawn at half the size, which takes a quarter of the time
    style = PhantomStyle(side, side, contrast=rng.uniform(0.6, 1.2), noise=rng.uniform(0, 10))
    pair = draw_phantom(str(rng.choice(LABELS)), seed, style), phantom_lung_mask(seed, style)
    film, mask = (np.asarray(Image.fromarray(each).resize((SIDE_PX, SIDE_PX))) for each in pair)
    return film, np.where(mask > 127, np.uint8(255), np.uint8(0))


# Each kind with its share of the pictures without lungs.
NEGATIVES: dict[str, tuple[float, Callable[[_Source], np.ndarray]]] = {
    "part of a film": (0.25, _part_without_lungs),
    "half a chest": (0.125, _half_a_chest),
    "turned film": (0.2, _turned),
    "inverted film": (0.1, _inverted),
    "drawing": (0.125, _drawing),
    "phantom without lungs": (0.2, _phantom_without_lungs),
}
