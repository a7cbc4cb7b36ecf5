"""The float model with the films that it was trained and measured on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convert.inference.chain import Chain
from convert.options import ConvertOptions
from convert.provenance import check_architecture, check_calibration, check_labels, check_unchanged
from edge_app.errors import DataError
from edge_app.model.preparation import Preparation
from train.data.loading import LoadedFilms, load_films
from train.data.locator_files import LocatorFiles, preparation_of
from train.data.sources import find_data
from train.data.split import TRAIN, VALIDATION, apply_manifest
from train.data.two_classes import as_labelled
from train.data.whole_films import with_context
from train.evaluation.evaluation_sets import EvaluationSet, evaluation_sets
from train.evaluation.run import Run, locator_of, read_run, run_framing
from train.networks.inference import predict


@dataclass(frozen=True)
class Source:
    """A finished run in memory."""

    model: Any
    run: Run
    preparation: Preparation
    chain: Chain | None  # of the validation films; None for a model that sees whole films
    training: LoadedFilms
    context: np.ndarray  # of the training films, uint8 (films, wide, wide)
    validation: LoadedFilms
    evaluation_sets: tuple[EvaluationSet, ...]
    reference: dict[str, np.ndarray]  # outputs on the validation films, of float locator and float model

    @property
    def whole_pixels(self) -> np.ndarray:
        """The validation films as `Preparation.whole` gives them, uint8 (films, side, side)."""
        return self.chain.views if self.chain else self.validation.pixels

    @property
    def locator(self) -> LocatorFiles | None:
        """The locator that goes into the bundles."""
        return self.chain.locator if self.chain else None

    @property
    def selection_set(self) -> EvaluationSet:
        """The largest evaluation set: thresholds and the best epoch are chosen on it."""
        return self.evaluation_sets[-1]


def read_source(options: ConvertOptions, runtime: str) -> Source:
    """Load model and films, and check that they belong together.

    Args:
        runtime: for the float locator.
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
    locator = locator_of(options.model, run)
    preparation = preparation_of(run.input_size_px, locator)
    films = load_films(data, preparation)
    training, validation = (apply_manifest(films, manifest, part) for part in (TRAIN, VALIDATION))
    chain = Chain.of(validation, locator) if locator else None
    in_float = chain.pixels(runtime, in_float=True) if chain else validation.pixels
    source = Source(
        model=model,
        run=run,
        preparation=preparation,
        chain=chain,
        training=training,
        context=with_context(training),
        validation=validation,
        evaluation_sets=evaluation_sets(validation, run.classes, preparation, run_framing(options.model, run)),
        reference=predict(model, in_float),
    )
    selection = source.selection_set
    check_calibration(run, predict(model, selection.pixels)["logits"], selection)
    check_unchanged(run, options.model)
    return source
