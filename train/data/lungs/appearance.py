"""What lies over a film and how it was exposed: cables, markers, frames, gray levels, noise."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from edge_app.imaging.preprocess import to_model_pixels
from train.data.lungs.geometry import LocatorRanges


def overlaid(
    film: np.ndarray, mask: np.ndarray, ranges: LocatorRanges, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cables, markers and frames; a frame hides the lungs under it."""
    if rng.random() < ranges.cable_probability:
        film = _with_cables(film, rng)
    if rng.random() < ranges.marker_probability:
        film = _with_markers(film, rng)
    if rng.random() < ranges.frame_probability:
        inside = _frame(film.shape[0], ranges.frame, rng)
        gray = 0.0 if rng.random() < 0.8 else float(rng.integers(0, 256))
        film, mask = np.where(inside, film, gray), np.where(inside, mask, 0)
    return film.astype(np.float32), mask.astype(np.float32)


def _frame(side: int, widest: float, rng: np.random.Generator) -> np.ndarray:
    """Bool, true on the film: each edge has a frame of its own width or none, sometimes slanted."""
    first_y, first_x, last_y, last_x = np.maximum(rng.uniform(-widest, widest, 4), 0) * side
    slant = rng.uniform(-0.08, 0.08) if rng.random() < 0.3 else 0.0
    y, x = np.mgrid[0:side, 0:side]
    y, x = y + slant * (x - side / 2), x - slant * (y - side / 2)
    return (y >= first_y) & (y < side - last_y) & (x >= first_x) & (x < side - last_x)


def _with_cables(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = film.shape[0]
    image = Image.fromarray(film.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 4)):
        points = np.cumsum(np.vstack([rng.uniform(0, side, 2), rng.normal(0, side / 6, (5, 2))]), axis=0)
        gray = int(rng.integers(150, 256))
        draw.line([tuple(point) for point in points], fill=gray, width=int(rng.integers(1, 3)))
        radius = rng.uniform(0.01, 0.035) * side
        draw.ellipse([*(points[-1] - radius), *(points[-1] + radius)], fill=gray)
    return np.asarray(image, np.float32)


def _with_markers(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Letters and plates, bright or black, mostly near an edge."""
    side = film.shape[0]
    image = Image.fromarray(film.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 4)):
        x, y = rng.uniform(0, side, 2)
        if rng.random() < 0.8:
            x = rng.choice([rng.uniform(0, 0.15), rng.uniform(0.85, 1)]) * side
        gray = int(rng.choice([0, rng.integers(180, 256)]))
        if rng.random() < 0.5:
            draw.text((x, y), str(rng.choice(["L", "R", "AP", "PA", "R 12", "SUPINE"])), fill=gray)
        else:
            wide, high = rng.uniform(0.02, 0.16, 2) * side
            draw.rectangle([x, y, x + wide, y + high], fill=gray)
    return np.asarray(image, np.float32)


def exposed(film: np.ndarray, ranges: LocatorRanges, side_px: int, rng: np.random.Generator) -> np.ndarray:
    """Exposure, sharpness and noise, then what the device does to every film; uint8."""
    level = np.clip(film / 255, 0, 1) ** np.exp(rng.uniform(-1, 1) * ranges.gamma)
    level = (level - 0.5) * np.exp(rng.uniform(-1, 1) * ranges.contrast) + 0.5 + rng.uniform(-1, 1) * ranges.brightness
    slope = np.linspace(-0.5, 0.5, film.shape[0], dtype=np.float32) * ranges.shading
    level = level + rng.uniform(-1, 1) * slope[:, None] + rng.uniform(-1, 1) * slope[None]
    if rng.random() < 0.5:
        image = Image.fromarray(np.clip(level * 255, 0, 255).astype(np.uint8))
        level = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0, ranges.blur_px))), np.float32) / 255
    level = level + rng.normal(0, rng.uniform(0, ranges.noise), film.shape)
    return to_model_pixels(np.clip(np.round(level * 255), 0, 255).astype(np.uint8), side_px)
