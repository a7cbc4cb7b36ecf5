"""Chest phantoms: drawn films for tests, demonstrations and golden inputs. They show no patient.

Thorax, lungs, heart, spine and ribs vary by seed. A bacterial phantom has one dense focus, a viral
one many faint ones on both sides; a normal one has none. They look like films to software, not to
a radiologist, and a model trained on them says so wherever it is used.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = ("normal", "bacterial", "viral")


@dataclass(frozen=True)
class PhantomStyle:
    """How one imaginary hospital makes its films."""

    width_px: int = 256
    height_px: int = 224
    contrast: float = 1.0  # 1 is normal; below 1 is flat
    noise: float = 4.0  # standard deviation in gray levels
    border_px: int = 0  # black frame of the collimator


def draw_phantom(label: str, seed: int, style: PhantomStyle | None = None) -> np.ndarray:
    """Draw one phantom.

    Args:
        label: "normal", "bacterial" or "viral".
        seed: the same seed draws the same child; the label only adds its opacities.
    Returns:
        uint8, shape (style.height_px, style.width_px), bright is dense.
    Raises:
        ValueError: no such label.
    """
    if label not in LABELS:
        raise ValueError(f"no phantom of {label!r}: labels are {', '.join(LABELS)}")
    style = style or PhantomStyle()
    anatomy = np.random.default_rng([seed, 0])
    disease = np.random.default_rng([seed, 1])
    x, y, width, ellipses = _thorax(anatomy, style)

    film: np.ndarray = 18 + 120 * _ellipse(x, y, 0, 0.1, 0.92 * width, 1.15, 0.08)
    lungs = np.zeros_like(film)
    for lung in ellipses:
        lungs += _ellipse(x, y, *lung, 0.06)
    lungs = np.clip(lungs, 0, 1)
    film -= 75 * lungs
    film += 55 * _ellipse(x, y, 0, 0.1, 0.11, 1.2, 0.05)  # spine and mediastinum
    film += 50 * _ellipse(x, y, 0.12, 0.28, anatomy.uniform(0.26, 0.33), 0.30, 0.06)  # heart
    film += 14 * _ribs(x, y, anatomy.uniform(0, 1)) * _ellipse(x, y, 0, 0, 0.8 * width, 0.85, 0.1)
    film += lungs * _opacities(label, x, y, width, disease)

    film = 110 + (film - 110) * style.contrast * anatomy.uniform(0.9, 1.1)
    film += anatomy.normal(0, style.noise, film.shape)
    film = np.where(_inside(style), film, 0)
    return np.clip(np.round(film), 0, 255).astype(np.uint8)


def phantom_lung_mask(seed: int, style: PhantomStyle | None = None) -> np.ndarray:
    """The lungs of `draw_phantom`, whatever its label.

    Returns:
        uint8 (style.height_px, style.width_px), 0 or 255.
    """
    style = style or PhantomStyle()
    x, y, _, ellipses = _thorax(np.random.default_rng([seed, 0]), style)
    lungs = np.zeros(x.shape, dtype=bool)
    for lung in ellipses:
        lungs |= _squared_radius(x, y, *lung) < 1
    return np.where(lungs & _inside(style), np.uint8(255), np.uint8(0))


Ellipse = tuple[float, float, float, float]  # centre across and down, half width, half height


def _thorax(
    anatomy: np.random.Generator, style: PhantomStyle
) -> tuple[np.ndarray, np.ndarray, float, tuple[Ellipse, Ellipse]]:
    """Places across and down, (height, width), about -1 to 1; the child's width, about 1; both lungs."""
    across = np.linspace(-1, 1, style.width_px) + anatomy.uniform(-0.06, 0.06)
    down = np.linspace(-1, 1, style.height_px) + anatomy.uniform(-0.06, 0.06)
    x, y = np.meshgrid(across, down)
    width = anatomy.uniform(0.92, 1.08)
    left, right = ((side * 0.40 * width, -0.05, 0.27 * width, anatomy.uniform(0.56, 0.66)) for side in (-1, 1))
    return x, y, width, (left, right)


def _inside(style: PhantomStyle) -> np.ndarray:
    """Bool (height, width), true within the black frame."""
    inside = np.zeros((style.height_px, style.width_px), dtype=bool)
    border = style.border_px
    inside[border : style.height_px - border, border : style.width_px - border] = True
    return inside


def _squared_radius(
    x: np.ndarray, y: np.ndarray, centre_x: float, centre_y: float, half_width: float, half_height: float
) -> np.ndarray:
    """Of an ellipse: below 1 inside, above 1 outside."""
    squared: np.ndarray = ((x - centre_x) / half_width) ** 2 + ((y - centre_y) / half_height) ** 2
    return squared


def _ellipse(
    x: np.ndarray, y: np.ndarray, centre_x: float, centre_y: float, half_width: float, half_height: float, edge: float
) -> np.ndarray:
    """1 inside, 0 outside, soft over `edge`."""
    radius = np.sqrt(_squared_radius(x, y, centre_x, centre_y, half_width, half_height))
    return 1 / (1 + np.exp(np.clip((radius - 1) / edge, -40, 40)))


def _ribs(x: np.ndarray, y: np.ndarray, phase: float) -> np.ndarray:
    return np.clip(np.sin(2 * np.pi * (4.2 * (y + 0.45 * x**2) + phase)), 0, 1)


def _opacities(label: str, x: np.ndarray, y: np.ndarray, width: float, disease: np.random.Generator) -> np.ndarray:
    """Gray levels to add inside the lungs."""
    if label == "bacterial":
        foci = [(disease.choice([-1, 1]), disease.uniform(0.16, 0.26), disease.uniform(65, 90))]
    elif label == "viral":
        foci = [(side, disease.uniform(0.07, 0.12), disease.uniform(35, 55)) for side in (-1, 1) * 5]
    else:
        foci = []
    added = np.zeros_like(x)
    for side, radius, density in foci:
        centre_x = side * width * disease.uniform(0.28, 0.50)
        centre_y = disease.uniform(-0.40, 0.35)
        added += density * _ellipse(x, y, centre_x, centre_y, radius, 1.3 * radius, 0.25)
    return added


def phantom_png(label: str, seed: int, style: PhantomStyle | None = None) -> bytes:
    """One phantom as the bytes of a PNG file."""
    content = io.BytesIO()
    Image.fromarray(draw_phantom(label, seed, style)).save(content, "PNG")
    return content.getvalue()


def write_phantom_set(
    folder: Path,
    films_per_class: int,
    seed: int = 0,
    style: PhantomStyle | None = None,
    labels: tuple[str, ...] = LABELS,
) -> int:
    """Write a training set in the Kaggle layout (see `train.data.sources`); two films per phantom child.

    Args:
        labels: write only these classes.
    Returns:
        How many films were written.
    """
    written = 0
    for index, label in enumerate(LABELS):
        if label not in labels:
            continue
        target = folder / "train" / ("NORMAL" if label == "normal" else "PNEUMONIA")
        target.mkdir(parents=True, exist_ok=True)
        for film in range(films_per_class):
            child = index * films_per_class + film // 2
            (target / _file_name(label, child, film)).write_bytes(
                phantom_png(label, seed * 1_000_000 + index * films_per_class + film, style)
            )
            written += 1
    return written


def _file_name(label: str, child: int, film: int) -> str:
    if label == "normal":
        return f"IM-{child:04d}-{film:04d}.png"
    word = {"bacterial": "bacteria", "viral": "virus"}[label]
    return f"person{child}_{word}_{film}.png"
