"""Batches for the locator: films, phantoms, and pictures without lungs, each with its lung mask.

Everything is a pure function of films and seed.
"""

from dataclasses import dataclass

import numpy as np

from train.data.lung_masks import MaskedFilms
from train.data.lungs.appearance import exposed, overlaid
from train.data.lungs.consolidation import whitened, with_gas
from train.data.lungs.geometry import LocatorRanges, background_gray, moved, placed_so_that_lungs_show
from train.data.lungs.negatives import draw_negative, drawn_phantom

CELL_PX = 2  # of the locator's input; the side of one cell of its mask


@dataclass(frozen=True)
class Drawn:
    """Pictures as the locator sees them, uint8 (pictures, side, side); how much of each cell is lung,
    float32 (pictures, side / CELL_PX, side / CELL_PX), 0 to 1.
    """

    pixels: np.ndarray
    coverage: np.ndarray


def draw_batch(films: MaskedFilms, ranges: LocatorRanges, side_px: int, count: int, seed: tuple[int, ...]) -> Drawn:
    """Draw a batch afresh: the same seed draws the same pictures."""
    pairs = [draw_one(films, ranges, side_px, np.random.default_rng([*seed, number])) for number in range(count)]
    return Drawn(np.stack([pixels for pixels, _ in pairs]), np.stack([coverage for _, coverage in pairs]))


def draw_one(
    films: MaskedFilms, ranges: LocatorRanges, side_px: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One picture: a film, a phantom, or something without lungs; arrays as in `Drawn`."""
    kind = rng.random()
    if kind < ranges.negative_share:
        cells = side_px // CELL_PX
        return draw_negative(films, ranges, side_px, rng), np.zeros((cells, cells), np.float32)
    if kind < ranges.negative_share + ranges.phantom_share:
        film, mask = drawn_phantom(rng)
    else:
        row = rng.integers(len(films.pixels))
        film, mask = films.pixels[row], films.masks[row]
    if rng.random() < ranges.opacity_probability:
        film = whitened(film, mask, rng)
    if rng.random() < ranges.gas_probability:
        film = with_gas(film, mask, rng)
    place = placed_so_that_lungs_show(mask, ranges, side_px, rng)
    film, mask = moved(film, place, side_px, background_gray(rng)), moved(mask, place, side_px, 0.0)
    film, mask = overlaid(film, mask, ranges, rng)
    return exposed(film, ranges, side_px, rng), coverage_of(mask)


def coverage_of(mask: np.ndarray) -> np.ndarray:
    """A mask of the locator's input size, 0..255, as shares of lung of its cells; float32."""
    cells = mask.shape[0] // CELL_PX
    return mask.reshape(cells, CELL_PX, cells, CELL_PX).mean(axis=(1, 3), dtype=np.float32) / np.float32(255)
