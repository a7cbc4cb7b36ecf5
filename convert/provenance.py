"""Checks that model, run file, manifest and films belong together, before anything is made from them.

A run folder is a few files that people copy around. A moved threshold, swapped labels or the run file
of another model would pass every later gate, because both sides of the comparison would be equally wrong.
So every recorded operating point is measured again, with this model, on these films.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError
from edge_app.model.card import OperatingPoint
from edge_app.reading.decision import p_finding
from train.evaluation.evaluation_sets import EvaluationSet
from train.evaluation.metrics import operating_point
from train.evaluation.operating_points import Calibration
from train.evaluation.run import RUN, RUN_SHA256, Run
from train.networks.architecture import OUTPUTS

ROUNDING_FILMS = 1  # a film exactly at the threshold may fall on either side on another machine


def check_architecture(model: Any, run: Run) -> None:
    """Refuse a network that this kit did not train.

    Raises:
        DataError: its outputs, input size or number of classes differ from the run file.
    """
    if tuple(model.output_names) != OUTPUTS:
        raise DataError(
            f"the model has outputs {', '.join(model.output_names)}, expected {', '.join(OUTPUTS)}: "
            "convert takes models that train fit made"
        )
    wanted_input = (None, run.input_size_px, run.input_size_px, 1)
    if tuple(model.input_shape) != wanted_input:
        raise DataError(f"the model's input is {model.input_shape}, its run file says {wanted_input}: mixed runs?")
    classes = model.output_shape[0][-1]
    if classes != len(run.labels):
        raise DataError(f"the model has {classes} logits, its run file {len(run.labels)} labels: mixed runs?")


def check_labels(run: Run, manifest_labels: tuple[str, ...], data_labels: tuple[str, ...]) -> None:
    """Refuse labels in another order than that of the trained logits.

    Raises:
        DataError: run file, manifest and films do not name the same classes in the same order.
    """
    if not run.labels == manifest_labels == data_labels:
        raise DataError(
            f"labels differ: the run file says {', '.join(run.labels)}, the manifest {', '.join(manifest_labels)}, "
            f"the films {', '.join(data_labels)}: use the run folder as train fit wrote it"
        )


def measured_calibration(run: Run, logits: np.ndarray, selection_set: EvaluationSet) -> Calibration:
    """Measure every operating point again and compare it with the run file.

    Args:
        logits: the float model's on the evaluation set that thresholds are chosen on, (films, classes).
    Returns:
        The run's, with recall and specificity as they were measured here.
    Raises:
        DataError: a threshold was moved, labels were swapped, or the run file is another model's.
    """
    positive = selection_set.positive
    p = p_finding(logits, run.calibration.temperature, run.classes.negative_index)
    points = {}
    for name, recorded in run.calibration.operating_points.items():
        points[name] = measured = operating_point(positive, p, recorded.threshold, selection_set.draws)
        if not _agree(recorded, measured, int(positive.sum()), int((~positive).sum())):
            raise DataError(
                f"operating point {name!r} at {recorded.threshold:.4f} is recorded with recall "
                f"{recorded.recall.value:.4f} and specificity {recorded.specificity.value:.4f}, this model has "
                f"{measured.recall.value:.4f} and {measured.specificity.value:.4f}: a moved threshold, swapped "
                "labels or another model's run.json: run train fit again"
            )
    return replace(run.calibration, operating_points=points)


def check_unchanged(run: Run, model_path: Path) -> None:
    """Refuse a run file that was edited: between two films a threshold can move without changing any figure.

    Raises:
        DataError: its hash is not the one that train fit wrote next to it.
    """
    if run.changed:
        raise DataError(
            f"{model_path.with_name(RUN)} was changed after train fit wrote it: its hash is not that in {RUN_SHA256}: "
            "restore it, or run train fit again"
        )


def _agree(recorded: OperatingPoint, measured: OperatingPoint, positives: int, negatives: int) -> bool:
    recall_films = abs(recorded.recall.value - measured.recall.value) * positives
    specificity_films = abs(recorded.specificity.value - measured.specificity.value) * negatives
    # Half a film more than whole films, because proportions are floats.
    return max(recall_films, specificity_films) < ROUNDING_FILMS + 0.5
