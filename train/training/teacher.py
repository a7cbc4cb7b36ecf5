"""Soft targets: what finished, larger networks predict for each training film (Hinton et al., arXiv:1503.02531).

A teacher scores every training film as it is and in a few draws; the mean of its probabilities
says more than the label alone: that a film is a clear case, or that its label may be wrong.
"""

from pathlib import Path

import numpy as np

from edge_app.errors import DataError
from edge_app.reading.decision import softmax
from train.data.augment import shortcut_free_draw
from train.data.loading import load_films
from train.data.sources import DataSet
from train.data.split import TRAIN, Manifest, apply_manifest
from train.data.whole_films import prepared, whole_films
from train.evaluation.run import read_run, run_preparation
from train.networks.inference import predict

FIRST_DRAW = 100  # a teacher never sees the draws of the evaluation sets
DRAWS = 3
_predicted: dict[tuple[Path, str], np.ndarray] = {}  # by teacher and split: every seed of a study needs the same


def soft_targets(teachers: tuple[Path, ...], data: DataSet, manifest: Manifest) -> np.ndarray:
    """The mean probabilities of all teachers.

    Args:
        teachers: float models of finished runs.
        manifest: the student's split.
    Returns:
        float32 (training films, classes), rows in the manifest's order.
    Raises:
        DataError: a teacher was trained on another split, so it may have seen validation films.
    """
    for teacher in teachers:
        if (teacher, manifest.sha256) not in _predicted:
            _predicted[teacher, manifest.sha256] = _predict(teacher, data, manifest)
    return np.mean([_predicted[teacher, manifest.sha256] for teacher in teachers], axis=0, dtype=np.float32)


def _predict(teacher: Path, data: DataSet, manifest: Manifest) -> np.ndarray:
    model, own_manifest, run = read_run(teacher)
    if own_manifest.sha256 != manifest.sha256:
        raise DataError(
            f"{teacher} was trained on another split: it may have seen films that its student is evaluated on; "
            "train it with the same --data and --split"
        )
    preparation = run_preparation(teacher, run)
    films = apply_manifest(load_films(data, preparation), manifest, TRAIN)
    whole = whole_films(films)
    redrawn = (shortcut_free_draw(whole, FIRST_DRAW + draw) for draw in range(DRAWS))
    views = [films.pixels, *(prepared(drawn, len(whole), preparation)[0] for drawn in redrawn)]
    return np.mean([softmax(predict(model, view)["logits"], run.calibration.temperature) for view in views], axis=0)
