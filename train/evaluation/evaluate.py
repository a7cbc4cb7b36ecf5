"""Scoring a finished model, float or bundle, on labelled films."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError
from edge_app.model.preparation import Preparation
from edge_app.reading.decision import softmax
from edge_app.reading.predictor import Predictor, load_predictor
from train.data.loading import LoadedFilms, load_films
from train.data.sources import DataSet, find_data
from train.data.split import VALIDATION, apply_manifest, read_manifest
from train.data.two_classes import as_labelled
from train.evaluation.metrics import score


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of `train evaluate`."""

    model: Path
    data: str | Sequence[str] | None = None
    manifest: Path | None = None  # score only the films of one of its parts
    part: str = VALIDATION
    operating_point: str | None = None


def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    """Score a model.

    Returns:
        Figures with intervals, and `films_of`, which says whether the films were held out.
    Raises:
        DataError, BundleError: the films or the model are missing or unfit.
    """
    manifest = read_manifest(options.manifest) if options.manifest else None
    scorer = _bundle_scorer if options.model.suffix == ".tflite" else _float_scorer
    model = scorer(options)
    data = find_data(options.data, manifest is not None and manifest.rule.reads_test_folder, model.negative)
    data = as_labelled(data, model.labels)
    if model.labels != data.labels:
        raise DataError(f"the model has {', '.join(model.labels)}, the films have {', '.join(data.labels)}")
    films = load_films(data, model.preparation)
    if manifest:
        films = apply_manifest(films, manifest, options.part)
    probabilities = softmax(model.logits(films), model.temperature)
    figures = asdict(score(films.classes, probabilities, data.classes, model.threshold))
    return {"model": str(options.model), "films_of": _films_of(data, options), **figures}


@dataclass(frozen=True)
class _Scorer:
    """A model ready to score: `logits` maps loaded films to float (films, classes)."""

    labels: tuple[str, ...]
    negative: str
    preparation: Preparation
    temperature: float
    threshold: float
    logits: Any


def _bundle_scorer(options: EvaluateOptions) -> _Scorer:
    predictor = load_predictor(options.model)
    card = predictor.card
    _, point = card.operating_point(options.operating_point)
    return _Scorer(
        card.labels,
        card.negative,
        predictor.preparation,
        card.temperature,
        point.threshold,
        lambda films: bundle_logits(predictor, films),
    )


def bundle_logits(predictor: Predictor, films: LoadedFilms) -> np.ndarray:
    """Logits float32 (films, classes) from the device's own runtime."""
    return np.stack([predictor.infer(pixels).logits for pixels in films.pixels])


def _float_scorer(options: EvaluateOptions) -> _Scorer:
    from train.evaluation.run import read_run, run_preparation
    from train.networks.inference import predict

    model, _, run = read_run(options.model)
    calibration = run.calibration
    name = options.operating_point or calibration.default_operating_point
    if name not in calibration.operating_points:
        raise DataError(f"the model has no operating point {name!r}; it has {', '.join(calibration.operating_points)}")
    return _Scorer(
        run.labels,
        run.negative,
        run_preparation(options.model, run),
        calibration.temperature,
        calibration.operating_points[name].threshold,
        lambda films: predict(model, films.pixels)["logits"],
    )


def _films_of(data: DataSet, options: EvaluateOptions) -> str:
    """Validation is never called test."""
    if options.manifest:
        return f"{options.part} part of {data.name}, held out from training by patient"
    return f"all films of {data.name}, whether or not the model was trained on them"
