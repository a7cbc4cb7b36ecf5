"""The float model with the films that it was trained and measured on."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convert.inference.chain import Chain
from convert.keras_network import check_logits, read_network
from convert.options import ConvertOptions, NetworkOptions
from convert.provenance import check_architecture, check_labels, check_unchanged, measured_calibration
from edge_app.errors import DataError
from edge_app.model.preparation import Preparation
from train.data.labelled import is_normal
from train.data.loading import LoadedFilms, load_films
from train.data.locator_files import LocatorFiles, find_locator, preparation_of
from train.data.sources import find_data
from train.data.split import TRAIN, VALIDATION, Manifest, SplitRule, apply_manifest, split_films
from train.data.two_classes import as_labelled
from train.data.whole_films import with_context
from train.evaluation.evaluation_sets import EvaluationSet, evaluation_sets
from train.evaluation.operating_points import Calibration, calibrate
from train.evaluation.run import Run, locator_of, read_run
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
    own = options.network
    model, run, manifest, films, locator = _own_network(options, own) if own else _finished_run(options)
    preparation = preparation_of(run.input_size_px, locator)
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
        evaluation_sets=evaluation_sets(validation, run.classes, preparation),
        reference=predict(model, in_float),
    )
    if own:
        check_logits(source.reference["logits"], options.model)
        logits = {each.name: predict(model, each.pixels)["logits"] for each in source.evaluation_sets}
        return replace(source, run=replace(run, calibration=calibrate(source.evaluation_sets, logits)))
    selection = source.selection_set
    calibration = measured_calibration(run, predict(model, selection.pixels)["logits"], selection)
    check_unchanged(run, options.model)
    return replace(source, run=replace(run, calibration=calibration))


_Read = tuple[Any, Run, Manifest, LoadedFilms, LocatorFiles | None]


def _finished_run(options: ConvertOptions) -> _Read:
    """What `train fit` made."""
    model, manifest, run = read_run(options.model)
    run = _for_whom(run, options)
    check_architecture(model, run)
    data = find_data(options.data, manifest.rule.reads_test_folder, run.negative)
    if data.is_phantom != run.phantom:
        kind, other = ("phantoms", "--data phantom") if run.phantom else ("real films", "--data DIR")
        raise DataError(f"{options.model} was trained on {kind}: give convert {other}, or another --model")
    data = as_labelled(data, run.labels)
    check_labels(run, manifest.labels, data.labels)
    locator = locator_of(options.model, run)
    films = load_films(data, preparation_of(run.input_size_px, locator))
    return model, run, manifest, films, locator


def _for_whom(run: Run, options: ConvertOptions) -> Run:
    """The run with what is stated now about whom the model is for."""
    run = replace(run, purpose=options.purpose.over(run.purpose))
    if not run.phantom:
        run.purpose.check()
    return run


def _own_network(options: ConvertOptions, network: NetworkOptions) -> _Read:
    """A network that `train fit` did not make, on films that are split here; it is calibrated later."""
    path, labels = options.model, network.labels
    model = read_network(path, network)
    named = any(is_normal(label) for label in labels)
    data = find_data(options.data, negative=network.negative or ("" if named else labels[0]))
    data = as_labelled(data, tuple(sorted(labels, key=lambda label: label != data.negative)))
    if set(labels) != set(data.labels):
        raise DataError(
            f"--labels are {', '.join(labels)}, the films are of {', '.join(data.labels)}: name the classes of the "
            "films, in the order of the network's outputs"
        )
    locator = find_locator(network.locator)
    preparation = preparation_of(model.input_shape[1], locator)
    if not data.is_phantom:
        options.purpose.check()
    films = load_films(replace(data, labels=labels), preparation)
    manifest = split_films(films, data.name, labels, SplitRule())
    run = Run(
        arch=re.sub(r"[^\w.-]+", "-", path.name.removesuffix(".keras").removesuffix(".h5")),
        input_size_px=preparation.size_px,
        labels=labels,
        seed=0,
        epochs=0,
        phantom=data.is_phantom,
        data_licence=data.licence,
        data_attribution=data.attribution,
        manifest_sha256=manifest.sha256,
        calibration=Calibration(1.0, {}, "", (0.0, 0.0)),
        figures={},
        negative=data.negative,
        locator_sha256=locator.sha256 if locator else "",
        own_network={"file": path.name, "scale": network.scale},
        purpose=options.purpose,
    )
    return model, run, manifest, films, locator
