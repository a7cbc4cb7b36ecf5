"""How far a film may be changed for the locator, and its framing: zoom, aspect, shift, turn, mirror."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from train.data.lung_masks import SIDE_PX
from train.data.lungs.consolidation import lung_sides

OVERSAMPLING = 2  # films are turned and zoomed at this multiple of the locator's input, then averaged
Place = tuple[float, float, float, float, float, float]  # Pillow's AFFINE: from the output to the film


@dataclass(frozen=True)
class LocatorRanges:
    """How far a film may be changed. Numbers are drawn evenly within +- the range unless said otherwise."""

    zoom: float = 0.69  # logarithm of the scale; half of the films draw within +- this, half near 0
    zoom_near: float = 0.2  # standard deviation of the logarithm for that other half
    aspect: float = 0.3  # logarithm, added to one axis and taken from the other
    shift: float = 0.25  # fraction of the side, past the edge of the film
    rotation_deg: float = 15.0
    least_seen: float = 0.45  # of each lung that must stay on the film, 0 to 1
    gamma: float = 0.7  # logarithm of the exponent
    contrast: float = 0.5  # logarithm of the factor
    brightness: float = 0.2  # fraction of the gray scale
    shading: float = 0.3  # fraction of the gray scale, from one edge to the other
    blur_px: float = 1.3  # standard deviation at the locator's input, 0 to this
    noise: float = 0.05  # standard deviation as a fraction of the gray scale, 0 to this
    frame: float = 0.14  # a side, as a fraction of the film's side, 0 to this
    opacity_probability: float = 0.4  # of a film whose lungs are painted white somewhere
    gas_probability: float = 0.2  # of a film with a dark bubble below its lungs
    frame_probability: float = 0.35
    marker_probability: float = 0.5
    cable_probability: float = 0.3
    phantom_share: float = 0.06  # of all pictures
    negative_share: float = 0.25  # of all pictures: no lungs to be found


# How the training ends: on films nearer to what comes, without which the mask's outline stays coarse
# (as in YOLOX, arXiv:2107.08430, which ends without its strongest changes).
CLOSING = LocatorRanges(
    zoom=0.3,
    zoom_near=0.1,
    aspect=0.1,
    shift=0.08,
    rotation_deg=6.0,
    frame=0.07,
    opacity_probability=0.2,
    frame_probability=0.15,
    cable_probability=0.15,
    negative_share=0.15,
)


def placed_so_that_lungs_show(mask: np.ndarray, ranges: LocatorRanges, side_px: int, rng: np.random.Generator) -> Place:
    """A drawn place on which enough of each lung is seen; the film as it is, if none is found."""
    small = mask[::4, ::4]
    lungs = [np.argwhere(side) * 4.0 + 2 for side in lung_sides(small)]
    for _ in range(20):
        place = drawn_place(ranges, side_px, rng)
        if all(_share_seen(points, place, side_px) >= ranges.least_seen for points in lungs):
            return place
    scale = SIDE_PX / (side_px * OVERSAMPLING)
    return scale, 0.0, 0.0, 0.0, scale, 0.0


def drawn_place(ranges: LocatorRanges, side_px: int, rng: np.random.Generator, turn_deg: float = 0.0) -> Place:
    """Zoom, aspect, shift, turn and mirror about the centre."""
    near = rng.random() < 0.5
    zoom = (
        np.clip(rng.normal(0, ranges.zoom_near), -ranges.zoom, ranges.zoom)
        if near
        else rng.uniform(-1, 1) * ranges.zoom
    )
    aspect = rng.uniform(-1, 1) * ranges.aspect
    turn = np.deg2rad(turn_deg + rng.uniform(-1, 1) * ranges.rotation_deg)
    side = side_px * OVERSAMPLING
    across, down = SIDE_PX / side / np.exp(zoom + aspect), SIDE_PX / side / np.exp(zoom - aspect)
    across *= -1 if rng.random() < 0.5 else 1
    a, b = np.cos(turn) * across, -np.sin(turn) * across
    d, e = np.sin(turn) * down, np.cos(turn) * down
    shift_x, shift_y = rng.uniform(-1, 1, 2) * ranges.shift * side
    c = SIDE_PX / 2 - a * (side / 2 + shift_x) - b * (side / 2 + shift_y)
    f = SIDE_PX / 2 - d * (side / 2 + shift_x) - e * (side / 2 + shift_y)
    return a, b, c, d, e, f


def _share_seen(points: np.ndarray, place: Place, side_px: int) -> float:
    """The share of points (n, 2), row and column on the film, that lie on the output."""
    if not len(points):
        return 1.0
    a, b, c, d, e, f = place
    down, across = points[:, 0] - f, points[:, 1] - c
    there = np.stack([e * across - b * down, a * down - d * across]) / (a * e - b * d)
    return float(((there >= 0) & (there < side_px * OVERSAMPLING)).all(axis=0).mean())


def moved(pixels: np.ndarray, place: Place, side_px: int, outside: float) -> np.ndarray:
    """A film or mask at its place, float32 (side_px, side_px); what comes in from outside has one gray."""
    side = side_px * OVERSAMPLING
    image = Image.fromarray(pixels).transform(
        (side, side), Image.Transform.AFFINE, place, Image.Resampling.BILINEAR, fillcolor=int(outside)
    )
    return np.asarray(image.reduce(OVERSAMPLING), np.float32)


def background_gray(rng: np.random.Generator) -> float:
    """Beyond the film it is mostly black."""
    return 0.0 if rng.random() < 0.75 else float(rng.integers(0, 256))
