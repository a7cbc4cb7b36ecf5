"""How well the label can be predicted from the way a film was made, without looking at the lungs.

Simple statistics go into a classifier of trees. Its score on an evaluation set is what a network could
score there by shortcuts alone. Three views are compared: gradients by axis, gray levels and borders of the
whole film; its framing, which is height, width and place of the lung field; and the first statistics once
more on the film cropped to its lung field, which is what the shipped network sees.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from edge_app.model.preparation import Preparation
from train.data.loading import load_films
from train.data.locator_files import find_locator, preparation_of
from train.data.sources import find_data
from train.data.split import TRAIN, VALIDATION, SplitRule, apply_manifest, read_manifest, split_films
from train.data.whole_films import prepared, whole_films
from train.evaluation.evaluation_sets import whole_film_sets
from train.evaluation.framing_swap import boxes_of
from train.evaluation.metrics import roc_auc
from train.networks import find_architecture

BORDER = 0.06  # of the side
PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True)
class ProbeOptions:
    """Options of `benchmarks probe`."""

    data: str | Sequence[str] | None = None  # several are hospitals; None as for `train fit`
    manifest: Path | None = None  # the split of a finished run; a new random one otherwise
    seed: int = 0  # of the classifier


def shortcut_statistics(pixels: np.ndarray) -> np.ndarray:
    """Statistics that tell how a film was made.

    Args:
        pixels: uint8 (films, side, side).
    Returns:
        float64 (films, statistics): mean gradients down, across and their ratio, at one and two
        pixels; mean, deviation and percentiles of the gray levels; mean and deviation of each border.
    """
    films = pixels.astype(np.float64)
    columns = []
    for step in (1, 2):
        down = np.abs(films[:, step:] - films[:, :-step]).mean(axis=(1, 2))
        across = np.abs(films[:, :, step:] - films[:, :, :-step]).mean(axis=(1, 2))
        columns += [down, across, down / np.maximum(across, 1e-6)]
    columns += [films.mean(axis=(1, 2)), films.std(axis=(1, 2))]
    columns += list(np.percentile(films, PERCENTILES, axis=(1, 2)))
    width = max(1, round(BORDER * films.shape[1]))
    for border in (films[:, :width], films[:, -width:], films[:, :, :width], films[:, :, -width:]):
        columns += [border.mean(axis=(1, 2)), border.std(axis=(1, 2))]
    return np.stack(columns, axis=1)


def framing_statistics(films: np.ndarray, preparation: Preparation) -> np.ndarray:
    """Height, width, and centre from the top and from the left, of the lung fields, as fractions of the films.

    Args:
        films: uint8 (films, side, side), whole films.
    Returns:
        float64 (films, 4).
    """
    left, top, right, bottom = boxes_of(films, preparation).T
    return np.stack([bottom - top, right - left, (top + bottom) / 2, (left + right) / 2], axis=1)


def probe(options: ProbeOptions) -> dict[str, Any]:
    """Train the classifier on shortcuts alone and score it.

    Returns:
        Name of the view, then of the evaluation set, to the AUC for pneumonia: `value`, `low` and `high`.
    Raises:
        DataError: the films are missing or are not those of the manifest.
    """
    data = find_data(options.data)
    preparation = preparation_of(find_architecture("compact").input_size_px, find_locator(None))
    films = load_films(data, preparation)
    if options.manifest:
        manifest = read_manifest(options.manifest)
    else:
        manifest = split_films(films, data.name, data.labels, SplitRule())
    training, validation = (apply_manifest(films, manifest, part) for part in (TRAIN, VALIDATION))
    learned, tested = (part.classes != data.classes.negative_index for part in (training, validation))
    sets = {name: np.stack(list(drawn)) for name, drawn in whole_film_sets(validation, tested, preparation).items()}
    views: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "whole film": shortcut_statistics,
        "framing": lambda whole: framing_statistics(whole, preparation),
        "lung field": lambda whole: shortcut_statistics(prepared(whole, len(whole), preparation)[0]),
    }
    found = {}
    for name, statistics in views.items():
        classifier = HistGradientBoostingClassifier(random_state=options.seed)
        classifier.fit(statistics(whole_films(training)), learned)
        scores = {which: classifier.predict_proba(statistics(whole))[:, 1] for which, whole in sets.items()}
        found[name] = {
            which: asdict(roc_auc(np.resize(tested, len(one)), one, len(one) // len(tested)))
            for which, one in scores.items()
        }
    return found
