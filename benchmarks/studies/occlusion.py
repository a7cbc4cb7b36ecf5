"""Does the chest decide, or what lies around it, or how the film lies? Each film is scored again with a change.

Collimator edges and burnt-in letters lie in the outer frame of a film. A model that relies on them changes
its decisions when the frame is hidden, and keeps them when the chest is. Films also get mirrored and turned by hand.
"""

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.studies.stability import median_with_interval
from edge_app.errors import BundleError
from edge_app.model.card import ModelCard
from edge_app.model.estimate import proportion
from edge_app.model.runtimes.interpreter import Outputs
from edge_app.reading.decision import is_positive, p_finding
from edge_app.reading.evidence import evidence_map
from edge_app.reading.predictor import Predictor, load_predictor
from edge_app.system.files import sha256_of
from train.data.loading import load_films
from train.data.sources import find_data
from train.data.split import VALIDATION, apply_manifest, read_manifest
from train.evaluation.metrics import roc_auc

FRAME = 1 / 8  # of the side, at each edge
MARKER, MARKER_HEIGHT = "R", 1 / 8  # the letter of the patient's right side, and its height
TURN_DEG = 10  # how a film may be handled in a hurry


@dataclass(frozen=True)
class OcclusionOptions:
    """Options of `benchmarks occlusion`."""

    model: Path  # a bundle
    manifest: Path  # of the run that the model was made from
    data: str | None = None  # None as for `train fit`


def measure_occlusion(options: OcclusionOptions, load: Callable[[Path], Predictor] = load_predictor) -> dict[str, Any]:
    """Score validation films with parts hidden, marked or moved; see where the class map finds pneumonia.

    Args:
        load: opens the model.
    Returns:
        `views`: AUC and changed decisions for each change; `frame_evidence`: the share of the class
        map's evidence that lies in the frame, median over films called positive; `frame_area`: the
        frame's share of the map.
    Raises:
        DataError: the films are not those of the manifest.
        BundleError: the model is unfit.
    """
    predictor = load(options.model)
    data = find_data(options.data)
    card = predictor.card
    films = apply_manifest(load_films(data, predictor.preparation), read_manifest(options.manifest), VALIDATION)
    threshold = card.operating_point()[1].threshold
    if not card.class_map:
        raise BundleError(f"{card.name} does not show where its evidence lies: give --model a bundle that does")
    outputs = _outputs(predictor, films.pixels)
    unchanged = _p_finding(outputs, card)
    p = {"as they are": unchanged} | {
        name: _p_finding(_outputs(predictor, change(films.pixels)), card) for name, change in CHANGES.items()
    }
    maps = np.stack([evidence_map(one.class_map, card.negative_index, card.temperature) for one in outputs])
    truth = films.classes != data.classes.negative_index
    in_frame = frame_of(maps.shape[1:])
    found = maps[is_positive(unchanged, threshold) & (maps.sum(axis=(1, 2)) > 0)]
    return {
        "model": options.model.name,
        "model_sha256": sha256_of(options.model.read_bytes()),
        "films": len(films.pixels),
        "threshold": threshold,
        "views": {name: _figures(truth, changed, unchanged, threshold) for name, changed in p.items()},
        "frame_evidence": asdict(median_with_interval(found[:, in_frame].sum(axis=1) / found.sum(axis=(1, 2)))),
        "frame_area": float(in_frame.mean()),
    }


def frame_of(shape: tuple[int, ...]) -> np.ndarray:
    """The cells of a grid that have their centre in the outer frame, bool (rows, columns)."""
    rows, columns = ((np.arange(side) + 0.5) / side for side in shape)
    return np.logical_or.outer(*((np.abs(centres - 0.5) > 0.5 - FRAME) for centres in (rows, columns)))


def with_marker(pixels: np.ndarray) -> np.ndarray:
    """The films with a white letter in their upper left corner."""
    side = pixels.shape[1]
    layer = Image.new("L", (side, side))
    font = ImageFont.load_default(MARKER_HEIGHT * side)
    ImageDraw.Draw(layer).text((side // 32, 0), MARKER, fill=255, font=font)
    return np.maximum(pixels, np.asarray(layer))


def turned(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """The films turned counterclockwise; new corners are black."""
    return np.stack([np.asarray(Image.fromarray(film).rotate(degrees, Image.Resampling.BILINEAR)) for film in pixels])


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "frame hidden": lambda pixels: _hidden(pixels, frame_of(pixels.shape[1:])),
    "chest hidden": lambda pixels: _hidden(pixels, ~frame_of(pixels.shape[1:])),
    "a marker put on": with_marker,
    "mirrored": lambda pixels: np.ascontiguousarray(pixels[:, :, ::-1]),
    f"turned left by {TURN_DEG}°": functools.partial(turned, degrees=TURN_DEG),
    f"turned right by {TURN_DEG}°": functools.partial(turned, degrees=-TURN_DEG),
}


def _hidden(pixels: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The films, uint8 (films, side, side), with some cells in each film's median gray."""
    gray = np.median(pixels, axis=(1, 2)).astype(np.uint8)
    return np.where(cells, gray[:, None, None], pixels)


def _outputs(predictor: Predictor, pixels: np.ndarray) -> list[Outputs]:
    return [predictor.infer(film) for film in pixels]


def _p_finding(outputs: list[Outputs], card: ModelCard) -> np.ndarray:
    """P(finding), float (films,)."""
    return p_finding(np.stack([one.logits for one in outputs]), card.temperature, card.negative_index)


def _figures(truth: np.ndarray, p: np.ndarray, unchanged: np.ndarray, threshold: float) -> dict[str, dict[str, float]]:
    flips = int((is_positive(p, threshold) != is_positive(unchanged, threshold)).sum())
    figures = {"auc": roc_auc(truth, p), "share_changed": proportion(flips, len(p))}
    return {name: asdict(figure) for name, figure in figures.items()}
