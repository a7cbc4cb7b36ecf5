"""The float model with the films that it was trained and measured on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convert.options import ConvertOptions
from convert.provenance import check_architecture, check_calibration, check_labels
from edge_app.errors import DataError
from train.data.loading import LoadedFilms, load_films
from train.data.sources import find_data
from train.data.split import TRAIN, VALIDATION, apply_manifest
from train.data.two_classes import as_labelled
from train.evaluation.evaluation_sets import EvaluationSet, evaluation_sets
from train.evaluation.run import Run, read_run
from train.networks.inference import predict


@dataclass(frozen=True)
class Source:
    """A finished run in memory."""

    model: Any
    run: Run
    training: LoadedFilms
    validation: LoadedFilms
    evaluation_sets: tuple[EvaluationSet, ...]
    reference: dict[str, np.ndarray]  # the float model's outputs on the validation films

    @property
    def selection_set(self) -> EvaluationSet:
        """The largest evaluation set: thresholds and the best epoch are chosen on it."""
        return self.evaluation_sets[-1]


def read_source(options: ConvertOptions) -> Source:
    """Load model and films, and check that they belong together.

    Raises:
        DataError: they do not, or one of them is missing.
    """
    model, manifest, run = read_run(options.model)
    check_architecture(model, run)
    data = find_data(options.data, manifest.rule.reads_test_folder, run.negative)
    if data.is_phantom != run.phantom:
        kind, other = ("phantoms", "--data phantom") if run.phantom else ("real films", "--data DIR")
        raise DataError(f"{options.model} was trained on {kind}: give convert {other}, or another --model")
    data = as_labelled(data, run.labels)
    check_labels(run, manifest.labels, data.labels)
    films = load_films(data, run.input_size_px)
    training, validation = (apply_manifest(films, manifest, part) for part in (TRAIN, VALIDATION))
    sets = evaluation_sets(validation, run.classes)
    source = Source(model, run, training, validation, sets, predict(model, validation.pixels))
    selection = source.selection_set
    check_calibration(run, predict(model, selection.pixels)["logits"], selection)
    return source
