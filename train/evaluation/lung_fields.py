"""How well a locator finds the lungs: masks, boxes, other framings, painted lungs, whole data sets.

Every measurement takes a `Predictor`, so that the float model, and an int8 file in any runtime, are
measured by the same lines.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edge_app.imaging.lung_field import FULL, LungField, are_cut_off, lung_coverage, lung_field
from edge_app.imaging.preprocess import to_model_pixels
from train.data.labelled import LabelledFilm
from train.data.lung_masks import SIDE_PX, LungMaskSet, MaskedFilms
from train.data.lungs.consolidation import lung_bases, lung_sides, painted, tissue_gray
from train.data.lungs.geometry import LocatorRanges
from train.data.lungs.negatives import NEGATIVES, draw_negative

# uint8 (films, side, side) to logits in real units, float32 (films, cells, cells)
Predictor = Callable[[np.ndarray], np.ndarray]

ZOOMS = (0.6, 0.8, 1.25, 1.6)
SHIFT = 0.08  # of the film's side, with each zoom
BASES_SHARE = 0.5  # of a lung's height that a painted base has
PAINTED_OPACITY = 0.9
PAINTED_SOFTNESS_PX = 4.0
PAINTED_SHARE = 0.75  # the gray of a consolidation: this share of the body's pixels is darker
NEGATIVES_PER_KIND = 50
Box = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the film


@dataclass(frozen=True)
class Fields:
    """A field a film, or None where no lungs were found, and the coverages that they come from."""

    boxes: list[Box | None]
    coverage: np.ndarray


def film_views(films: tuple[LabelledFilm, ...], side_px: int) -> np.ndarray:
    """Whole films as a locator sees them, uint8 (films, side_px, side_px)."""
    with ThreadPoolExecutor() as pool:  # Pillow releases the lock while it decodes
        return np.stack(list(pool.map(lambda film: to_model_pixels(film.read().pixels, side_px), films)))


def measure(predictor: Predictor, films: LungMaskSet, views: np.ndarray, negative: str) -> dict[str, Any]:
    """Every measurement, by name.

    Args:
        views: of `films.all_films`, from `film_views`, in the size of the locator's input.
        negative: the class of healthy films, on which sick lungs are painted.
    """
    side_px = views.shape[1]
    return {
        "masks": mask_figures(predictor, side_px, films.held_out),
        "reframed": reframed_figures(predictor, side_px, films.held_out.pixels),
        "painted": painted_figures(predictor, side_px, films.held_out, negative),
        "no_lungs": no_lungs_figures(predictor, side_px, films.held_out),
        "all_films": found_figures(predictor, films.all_films, views),
    }


def fields_of(predictor: Predictor, side_px: int, films: np.ndarray) -> Fields:
    """The lung fields of films, uint8 (films, height, width)."""
    pixels = np.stack([to_model_pixels(film, side_px) for film in films])
    coverage = np.stack([lung_coverage(logits) for logits in predictor(pixels)])
    return Fields([_box(each) for each in coverage], coverage)


def _box(coverage: np.ndarray) -> Box | None:
    field: LungField | None = lung_field(coverage, SIDE_PX, SIDE_PX)
    return field.as_fractions(SIDE_PX, SIDE_PX) if field else None


def box_iou(one: Box | None, other: Box | None) -> float:
    """Intersection over union of two boxes, 0 to 1; 0 where one is missing."""
    if one is None or other is None:
        return 0.0
    both = _shared_area(one, other)
    return both / (_area(one) + _area(other) - both)


def _shared_area(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Twice the intersection over the sum of two masks, bool of one shape; 1 where both are empty."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


def mask_figures(predictor: Predictor, side_px: int, films: MaskedFilms) -> dict[str, float]:
    """Against the human masks: Dice on the mask's grid and at the masks' own size, and IoU of the boxes.

    The box of a human mask is found by the same function, from the mask at its own size. A film
    without a field counts as IoU 0.
    """
    fields = fields_of(predictor, side_px, films.pixels)
    truth = [_box(mask) for mask in films.masks]
    ious = np.array([box_iou(*pair) for pair in zip(fields.boxes, truth, strict=True)])
    cells = fields.coverage.shape[1]
    on_grid, full_size = [], []
    for coverage, mask in zip(fields.coverage, films.masks, strict=True):
        shrunk = np.asarray(Image.fromarray(mask).resize((cells, cells), Image.Resampling.BOX))
        enlarged = np.asarray(Image.fromarray(coverage).resize(mask.shape[::-1], Image.Resampling.BILINEAR))
        on_grid.append(dice(coverage > FULL // 2, shrunk > FULL // 2))
        full_size.append(dice(enlarged > FULL // 2, mask > FULL // 2))
    return {
        "films": len(truth),
        "dice_grid": float(np.mean(on_grid)),
        "dice_full_size": float(np.mean(full_size)),
        **_spread(ious),
    }


def _spread(ious: np.ndarray) -> dict[str, float]:
    return {
        "iou_median": float(np.median(ious)),
        "iou_5th_percentile": float(np.quantile(ious, 0.05)),
        "iou_least": float(ious.min()),
        "share_at_least_85": float((ious >= 0.85).mean()),
    }


def reframed_figures(predictor: Predictor, side_px: int, films: np.ndarray) -> dict[str, dict[str, float]]:
    """The box on a film that is zoomed and shifted, mapped back, against the box on the film as it is.

    Where a zoom pushes lungs off the film, the box as it is is cut to what is left of it.
    """
    plain = fields_of(predictor, side_px, films).boxes
    figures = {}
    for zoom in ZOOMS:
        shift = SHIFT if zoom > 1 else -SHIFT
        boxes = fields_of(predictor, side_px, np.stack([reframed(film, zoom, shift) for film in films])).boxes
        pairs = zip(boxes, plain, strict=True)
        ious = [box_iou(box, _cut(reframed_box(old, zoom, shift))) if old else 0.0 for box, old in pairs]
        figures[f"zoom {zoom}"] = _spread(np.array(ious))
    return figures


def reframed(film: np.ndarray, zoom: float, shift: float) -> np.ndarray:
    """A film zoomed about its centre and moved right and down by a fraction of its side; outside is black."""
    height, width = film.shape
    place = (
        1 / zoom, 0.0, width / 2 - (width / 2 + shift * width) / zoom,
        0.0, 1 / zoom, height / 2 - (height / 2 + shift * height) / zoom,
    )  # fmt: skip
    moved = Image.fromarray(film).transform((width, height), Image.Transform.AFFINE, place, Image.Resampling.BILINEAR)
    return np.asarray(moved)


def reframed_box(box: Box, zoom: float, shift: float) -> Box:
    """Where `reframed` puts a box."""
    left, top, right, bottom = ((end - 0.5) * zoom + 0.5 + shift for end in box)
    return left, top, right, bottom


def _cut(box: Box) -> Box:
    left, top, right, bottom = (min(max(end, 0.0), 1.0) for end in box)
    return left, top, right, bottom


def painted_figures(
    predictor: Predictor, side_px: int, films: MaskedFilms, negative: str
) -> dict[str, dict[str, float]]:
    """The box on normal films with sick lungs painted in, against the box on the film as it is; {} without such films.

    A sick lung must never be cropped away. `kept_least` is the smallest share of the old box that
    is left inside the new one.
    """
    rows = [row for row, film in enumerate(films.films) if film.label == negative]
    if not rows:
        return {}
    plain = fields_of(predictor, side_px, films.pixels[rows]).boxes
    figures = {}
    for name, (region, share, opacity) in _paintings().items():
        sick = []
        for row in rows:
            film, mask = films.pixels[row], films.masks[row]
            gray = 255.0 if share >= 1 else tissue_gray(film, mask, share)
            sick.append(painted(film, region(mask), gray, opacity, PAINTED_SOFTNESS_PX))
        pairs = list(zip(fields_of(predictor, side_px, np.stack(sick)).boxes, plain, strict=True))
        ious = np.array([box_iou(*pair) for pair in pairs])
        figures[name] = {"films": len(rows), **_spread(ious), "kept_least": min(_kept(*pair) for pair in pairs)}
    return figures


def _paintings() -> dict[str, tuple[Callable[[np.ndarray], np.ndarray], float, float]]:
    """Region of a mask, share of the body's pixels that are darker (1: white), and opacity, by name."""
    regions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "left of film": lambda mask: lung_sides(mask)[0],
        "right of film": lambda mask: lung_sides(mask)[1],
        "both bases": lambda mask: lung_bases(mask, BASES_SHARE),
    }
    grays = {"as tissue": (PAINTED_SHARE, PAINTED_OPACITY), "white": (1.0, 1.0)}
    return {f"{name}, {gray}": (region, *how) for name, region in regions.items() for gray, how in grays.items()}


def _kept(new: Box | None, old: Box | None) -> float:
    """The share of the old box inside the new one."""
    if new is None or old is None:
        return 0.0
    return _shared_area(new, old) / _area(old)


def no_lungs_figures(predictor: Predictor, side_px: int, films: MaskedFilms) -> dict[str, float]:
    """The share of drawn pictures without lungs that give no field, by kind; most are made from these films."""
    figures = {}
    for number, kind in enumerate(NEGATIVES):
        rng = np.random.default_rng(number)
        pictures = [draw_negative(films, LocatorRanges(), side_px, rng, kind) for _ in range(NEGATIVES_PER_KIND)]
        coverages = (lung_coverage(logits) for logits in predictor(np.stack(pictures)))
        refused = [lung_field(coverage, SIDE_PX, SIDE_PX) is None for coverage in coverages]
        figures[kind] = float(np.mean(refused))
    return figures


def found_figures(predictor: Predictor, films: tuple[LabelledFilm, ...], views: np.ndarray) -> dict[str, Any]:
    """On how many films a field is found; `views` as for `measure`."""
    coverages = [lung_coverage(logits) for logits in predictor(views)]
    fields = [lung_field(coverage, SIDE_PX, SIDE_PX) for coverage in coverages]
    missed = [film.label for film, field in zip(films, fields, strict=True) if field is None]
    cut_off = sum(are_cut_off(coverage) for coverage, field in zip(coverages, fields, strict=True) if field)
    return {
        "films": len(films),
        "found": len(films) - len(missed),
        "share_found": 1 - len(missed) / len(films),
        "missed_by_label": {label: missed.count(label) for label in sorted(set(missed))},
        "share_cut_off": cut_off / len(films),
    }
