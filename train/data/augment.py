"""Augmentation, after preprocessing: geometry, sharpness by axis, exposure, borders.

In this data set the label can be read from how a film was made: the originals of normal films are
larger and squarer than those of pneumonia, which shows after resizing as sharpness along one axis. So
each axis gets its own random blur or sharpening, zoom and shift. All of these are linear and act on
one axis. So each is one matrix per film, and the film becomes `rows @ film @ columns.T`. Films may come with
their context: then zoom and shift show what lies around the lung field, as a box that is a little off would.

Everything is a pure function of the films and a seed, so a resumed run sees the same films.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from train.keras import tf

SIDE_OF_UNITS_PX = 128  # blur is given in pixels of a film of this side length
RESAMPLING_SIGMA_PX = 0.45  # of the Gaussian that reads between pixels
SHARPENING_WIDTH = 1.8  # the blur that is subtracted, as a multiple of the film's own


@dataclass(frozen=True)
class AugmentationRanges:
    """How far a film may be changed. Each film draws its own values, uniformly within +- the range."""

    rotation_deg: float
    shear: float
    zoom: float  # logarithm of the scale, both axes
    aspect: float  # logarithm, added to one axis and taken from the other
    shift: float  # fraction of the side
    flip: bool  # left to right
    blur_probability: float  # an axis is blurred with this probability, else sharpened
    blur_px: float  # standard deviation, 0 to this
    sharpening: float  # weight of the unsharp mask, 0 to this
    gamma: float  # logarithm of the exponent
    contrast: float  # logarithm of the factor
    brightness: float  # fraction of the gray scale
    noise: float  # standard deviation as a fraction of the gray scale, 0 to this
    border: float  # black frame on each side, as a fraction of the side; on half of all films there is none
    patches: int  # gray rectangles over the film, like markers and devices

    def none(self) -> "AugmentationRanges":
        """No change of any kind."""
        return AugmentationRanges(**{field.name: type(getattr(self, field.name))() for field in fields(self)})


TRAINING = AugmentationRanges(
    rotation_deg=12,
    shear=0.08,
    zoom=0.15,
    aspect=0.12,
    shift=0.06,
    flip=True,
    blur_probability=0.6,
    blur_px=2.2,
    sharpening=1.5,
    gamma=0.4,
    contrast=0.3,
    brightness=0.12,
    noise=0.03,
    border=0.08,
    patches=2,
)
# Of the evaluation set: only how a film was made, in ranges seen between hospitals.
SHORTCUT_FREE = AugmentationRanges(
    rotation_deg=5,
    shear=0.04,
    zoom=0.05,
    aspect=0.12,
    shift=0.03,
    flip=False,
    blur_probability=0.6,
    blur_px=1.6,
    sharpening=1.0,
    gamma=0.3,
    contrast=0.25,
    brightness=0.1,
    noise=0.02,
    border=0.06,
    patches=0,
)


class _Draws:
    """Random numbers from one seed; each call gives the next."""

    def __init__(self, seed: Any, films: Any) -> None:
        self._seed = seed
        self._films = films
        self._count = 0

    def next_seed(self) -> Any:
        self._count += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._count)

    def uniform(self, low: float, high: float) -> Any:
        """One number per film, float32 (films,)."""
        return tf.random.stateless_uniform((self._films,), self.next_seed(), low, high)

    def about_zero(self, limit: float) -> Any:
        return self.uniform(-limit, limit)


def augment(films: Any, ranges: AugmentationRanges, seed: Any, side: int) -> Any:
    """Augment a batch.

    Args:
        films: float32 tensor (films, wide, wide), 0..255; what is wider than `side` is context.
        seed: int tensor (2,): the same seed draws the same changes.
        side: of the result.
    Returns:
        float32 tensor (films, side, side), 0..255, whole gray levels as on the device.
    """
    draws = _Draws(seed, tf.shape(films)[0])
    films = _turned(films, ranges, draws)
    films = _resampled(films, ranges, draws, side)
    films = _exposed(films / 255.0, ranges, draws)
    films = _framed(films, ranges, draws)
    for _ in range(ranges.patches):
        films = _patched(films, draws)
    return tf.round(tf.clip_by_value(films, 0.0, 1.0) * 255.0)


def shortcut_free_draw(films: np.ndarray, *draws: int) -> Iterator[np.ndarray]:
    """Films as another department would have made them; each of `draws` selects one of many fixed versions.

    Args:
        films: uint8, (films, side, side), whole films.
    Yields:
        draws * films times uint8 (side, side), one version after the other.
    """
    for draw in draws:
        for start in range(0, len(films), 256):
            batch, seed = tf.cast(films[start : start + 256], tf.float32), tf.constant([draw, start])
            yield from augment(batch, SHORTCUT_FREE, seed, films.shape[1]).numpy().astype(np.uint8)


def _turned(films: Any, ranges: AugmentationRanges, draws: _Draws) -> Any:
    """Rotate, shear and flip, about the centre; outside the context everything is black."""
    side = films.shape[1]
    angle = draws.about_zero(ranges.rotation_deg) * np.pi / 180
    shear = draws.about_zero(ranges.shear)
    flip = tf.where(draws.uniform(0, 1) < (0.5 if ranges.flip else 0.0), -1.0, 1.0)
    centre = (side - 1) / 2
    a, b = tf.cos(angle) * flip, shear - tf.sin(angle)
    c, d = tf.sin(angle) * flip, tf.cos(angle)
    zero = tf.zeros_like(a)
    transforms = [a, b, centre * (1 - a - b), c, d, centre * (1 - c - d), zero, zero]
    turned = tf.raw_ops.ImageProjectiveTransformV3(
        images=films[..., None],
        transforms=tf.stack(transforms, axis=1),
        output_shape=[side, side],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return turned[..., 0]


def _resampled(films: Any, ranges: AugmentationRanges, draws: _Draws, side: int) -> Any:
    """Zoom, shift, and blur or sharpen, each axis on its own."""
    zoom, aspect = draws.about_zero(ranges.zoom), draws.about_zero(ranges.aspect)
    rows = _axis_matrix(films.shape[1], side, tf.exp(zoom + aspect), ranges, draws)
    columns = _axis_matrix(films.shape[1], side, tf.exp(zoom - aspect), ranges, draws)
    return tf.matmul(rows, tf.matmul(films, columns, transpose_b=True))


def _axis_matrix(wide: int, side: int, scale: Any, ranges: AugmentationRanges, draws: _Draws) -> Any:
    """(films, side, wide): each row gives the weights of the old pixels in one new pixel."""
    shift_px = draws.about_zero(ranges.shift) * side
    blurred = tf.cast(draws.uniform(0, 1) < ranges.blur_probability, tf.float32)
    blur_px = blurred * draws.uniform(0, ranges.blur_px) * side / SIDE_OF_UNITS_PX
    sharpening = (1 - blurred) * draws.uniform(0, ranges.sharpening)
    sigma_px = tf.sqrt(RESAMPLING_SIGMA_PX**2 + blur_px**2)
    sharp = _gaussian_matrix(wide, side, scale, shift_px, sigma_px)
    soft = _gaussian_matrix(wide, side, scale, shift_px, SHARPENING_WIDTH * sigma_px)
    return sharp + sharpening[:, None, None] * (sharp - soft)


def sharpness_matrix(side: int, blur_px: float, sharpening: float) -> np.ndarray:
    """Blur or sharpen one axis by a known amount, without moving anything.

    Args:
        side: pixels of the axis.
        blur_px: standard deviation in pixels of a film of SIDE_OF_UNITS_PX.
        sharpening: weight of the unsharp mask.
    Returns:
        float32 (side, side), for `matrix @ film` (down) or `film @ matrix.T` (across).
    """
    scale, shift_px = tf.ones(1), tf.zeros(1)
    sigma_px = tf.sqrt(RESAMPLING_SIGMA_PX**2 + tf.constant([blur_px * side / SIDE_OF_UNITS_PX], tf.float32) ** 2)
    sharp = _gaussian_matrix(side, side, scale, shift_px, sigma_px)
    soft = _gaussian_matrix(side, side, scale, shift_px, SHARPENING_WIDTH * sigma_px)
    return (sharp + sharpening * (sharp - soft))[0].numpy()


def _gaussian_matrix(wide: int, side: int, scale: Any, shift_px: Any, sigma_px: Any) -> Any:
    """Each row's weights sum to 1, except near the edge: outside the context everything is black."""
    old, new = tf.range(wide, dtype=tf.float32), tf.range(side, dtype=tf.float32)
    source = (new[None] - (side - 1) / 2) / scale[:, None] + (wide - 1) / 2 + shift_px[:, None]
    sigma = sigma_px[:, None]
    # A Gaussian of half a pixel, taken at whole pixels, does not sum to 1 but to this (Poisson's
    # sum; further terms are under 1e-6). Uncorrected, zoomed films would show a moire pattern.
    total = 1 + 2 * tf.exp(-2 * (np.pi * sigma) ** 2) * tf.cos(2 * np.pi * source)
    distance = (old[None, None] - source[:, :, None]) / sigma[..., None]
    return tf.exp(-0.5 * distance**2) / (total * sigma * np.sqrt(2 * np.pi))[..., None]


def _exposed(films: Any, ranges: AugmentationRanges, draws: _Draws) -> Any:
    """Gamma, contrast about the mean, brightness and noise; input and output are 0..1 or slightly outside."""
    gamma = tf.exp(draws.about_zero(ranges.gamma))[:, None, None]
    contrast = tf.exp(draws.about_zero(ranges.contrast))[:, None, None]
    brightness = draws.about_zero(ranges.brightness)[:, None, None]
    noise = draws.uniform(0, ranges.noise)[:, None, None]
    films = tf.pow(tf.clip_by_value(films, 1e-6, 1.0), gamma)
    mean = tf.reduce_mean(films, axis=[1, 2], keepdims=True)
    films = (films - mean) * contrast + mean + brightness
    return films + noise * tf.random.stateless_normal(tf.shape(films), draws.next_seed())


def _framed(films: Any, ranges: AugmentationRanges, draws: _Draws) -> Any:
    """Add a black frame; each side has its own width."""
    place = (tf.range(films.shape[1], dtype=tf.float32) / films.shape[1])[None]

    def inside() -> Any:
        first, last = draws.about_zero(ranges.border)[:, None], draws.about_zero(ranges.border)[:, None]
        return tf.cast((place >= first) & (place < 1 - last), tf.float32)

    return films * inside()[:, :, None] * inside()[:, None, :]


def _patched(films: Any, draws: _Draws) -> Any:
    """Add one gray rectangle per film, up to 28% of the side in each direction."""
    place = (tf.range(films.shape[1], dtype=tf.float32) / films.shape[1])[None]

    def inside() -> Any:
        centre, half = draws.uniform(0, 1)[:, None], draws.uniform(0, 0.14)[:, None]
        return tf.cast(tf.abs(place - centre) < half, tf.float32)

    mask = inside()[:, :, None] * inside()[:, None, :]
    gray = tf.clip_by_value(draws.uniform(-0.3, 1.1), 0.0, 1.0)[:, None, None]
    return films * (1 - mask) + gray * mask
