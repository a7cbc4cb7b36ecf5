"""Painting sick lungs into films: the locator must not lose a lung that has gone white."""

import numpy as np
from PIL import Image, ImageFilter


def lung_sides(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lung on the film's left and the one on its right, bool, parted where the mask is thinnest between them."""
    columns = (mask > 0).sum(axis=0)
    across = np.flatnonzero(columns)
    middle = mask.shape[1] // 2
    if len(across):
        third = (across[-1] - across[0]) // 3
        between = columns[across[0] + third : across[-1] - third + 1]
        thinnest = np.flatnonzero(between == between.min())
        middle = int(across[0] + third + thinnest[len(thinnest) // 2])
    left = mask > 0
    left[:, middle:] = False
    return left, (mask > 0) & ~left


def lung_bases(mask: np.ndarray, share: float) -> np.ndarray:
    """The lowest part of both lungs, bool; `share` of each lung's height."""
    bases = np.zeros(mask.shape, bool)
    for side in lung_sides(mask):
        rows = np.flatnonzero(side.any(axis=1))
        if len(rows):
            bases |= side & (np.arange(len(mask)) > rows[-1] - share * (rows[-1] - rows[0]))[:, None]
    return bases


def painted(film: np.ndarray, region: np.ndarray, gray: float, opacity: float, softness_px: float) -> np.ndarray:
    """A film with a region of its lungs dense as tissue, its edges soft, so that the lung's outline is lost.

    Args:
        film: uint8 (height, width).
        region: bool of the same shape.
        gray: 0..255, what the region becomes.
        opacity: 0 to 1; what shows through of ribs and vessels is the rest.
        softness_px: standard deviation of the edge; it lies outside the region.
    """
    wide = Image.fromarray(np.where(region, np.uint8(255), np.uint8(0))).filter(ImageFilter.GaussianBlur(softness_px))
    weight = opacity * np.clip(np.asarray(wide, np.float32) / 128, 0, 1)
    return np.clip(np.round(film * (1 - weight) + gray * weight), 0, 255).astype(np.uint8)


def tissue_gray(film: np.ndarray, mask: np.ndarray, share: float) -> float:
    """A gray level of the body outside the lungs: `share` of its pixels are darker. Black background does not count."""
    body = film[(mask == 0) & (film > 20)]
    return float(np.quantile(body, share)) if body.size else 200.0


def whitened(film: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lungs with a consolidation: a whole lung, both bases, an upper part, or blotches."""
    sides = lung_sides(mask)
    kind = rng.random()
    if kind < 0.35:
        region = sides[rng.integers(2)]
    elif kind < 0.6:
        region = lung_bases(mask, rng.uniform(0.2, 0.6))
    elif kind < 0.75:
        region = sides[rng.integers(2)] & _ellipses(rng, mask.shape, count=1, largest=0.6)
    else:
        region = (mask > 0) & _ellipses(rng, mask.shape, count=int(rng.integers(1, 6)), largest=0.25)
    gray = 255.0 if rng.random() < 0.15 else tissue_gray(film, mask, rng.uniform(0.4, 0.98))
    textured = film if rng.random() < 0.5 else _with_texture(film, region, rng)
    return painted(textured, region, gray, rng.uniform(0.55, 1.0), rng.uniform(1.0, 9.0))


def with_gas(film: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A film with gas in stomach or bowel: as dark as lung, below the lungs, and no lung."""
    lungs = np.argwhere(mask > 0)
    (top, left), (bottom, right) = lungs.min(axis=0), lungs.max(axis=0)
    centre_y, centre_x = bottom + rng.uniform(-0.1, 0.2) * (bottom - top), rng.uniform(left, right)
    half_y, half_x = rng.uniform(0.04, 0.15, 2) * (right - left)
    y, x = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]]
    bubble = (((y - centre_y) / half_y) ** 2 + ((x - centre_x) / half_x) ** 2 < 1) & (mask == 0)
    gray = float(np.quantile(film[mask > 0], rng.uniform(0.02, 0.4)))
    return painted(film, bubble, gray, rng.uniform(0.5, 1.0), rng.uniform(0.7, 2.5))


def _with_texture(film: np.ndarray, region: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    cloud = smooth_noise(rng, film.shape[0], cells=int(rng.integers(4, 16))) * 60 - 30
    return np.clip(film + np.where(region, cloud, 0), 0, 255).astype(np.uint8)


def _ellipses(rng: np.random.Generator, shape: tuple[int, ...], count: int, largest: float) -> np.ndarray:
    """Bool, true inside any of some ellipses; `largest` half axis as a fraction of the side."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    inside = np.zeros(shape, bool)
    for _ in range(count):
        half_y, half_x = rng.uniform(0.05, largest, 2) * shape
        centre_y, centre_x = rng.uniform(0.1, 0.9, 2) * shape
        inside |= ((y - centre_y) / half_y) ** 2 + ((x - centre_x) / half_x) ** 2 < 1
    return inside


def smooth_noise(rng: np.random.Generator, side: int, cells: int) -> np.ndarray:
    """Smooth noise, float32 (side, side), 0 to 1; `cells` random grays a side, smoothed between."""
    grays = rng.integers(0, 256, (max(cells, 1), max(cells, 1)), dtype=np.uint8)
    return np.asarray(Image.fromarray(grays).resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
