"""How well the label can be predicted from the way a film was made, without looking at the lungs.

Gradients by axis, gray levels and borders of the whole film go into a classifier of trees. Its score on an
evaluation set is what a network could score there by shortcuts alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from edge_app.model.estimate import Estimate
from train.data.loading import load_films
from train.data.sources import find_data
from train.data.split import TRAIN, VALIDATION, SplitRule, apply_manifest, read_manifest, split_films
from train.evaluation.evaluation_sets import evaluation_sets
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


def probe(options: ProbeOptions) -> dict[str, Estimate]:
    """Train the classifier on shortcuts alone and score it.

    Returns:
        Name of the evaluation set to the AUC for pneumonia, with its interval.
    Raises:
        DataError: the films are missing or are not those of the manifest.
    """
    data = find_data(options.data)
    films = load_films(data, find_architecture("compact").input_size_px)
    if options.manifest:
        manifest = read_manifest(options.manifest)
    else:
        manifest = split_films(films, data.name, data.labels, SplitRule())
    training, validation = (apply_manifest(films, manifest, part) for part in (TRAIN, VALIDATION))
    classifier = HistGradientBoostingClassifier(random_state=options.seed)
    classifier.fit(shortcut_statistics(training.pixels), training.classes != data.classes.negative_index)
    return {
        one.name: roc_auc(one.positive, classifier.predict_proba(shortcut_statistics(one.pixels))[:, 1])
        for one in evaluation_sets(validation, data.classes)
    }
