"""Scoring a finished model, float or bundle, on labelled films: its own, or those of any other place."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError, FilmError
from edge_app.model.preparation import Preparation
from edge_app.reading.decision import softmax
from edge_app.reading.predictor import Predictor, load_predictor
from edge_app.system.result_folder import claim
from train.data.labelled import Classes, LabelledFilm
from train.data.loading import LoadedFilms, load_films
from train.data.sources import DataSet, find_data
from train.data.split import VALIDATION, Manifest, apply_manifest, read_manifest
from train.evaluation.scored.figures import compared, figures_of, overall
from train.evaluation.scored.films import ScoredFilms
from train.evaluation.scored.page import write_scored

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of `train evaluate`."""

    model: Path
    data: str | Sequence[str] | None = None
    manifest: Path | None = None  # score only the films of one of its parts
    part: str = VALIDATION
    operating_point: str | None = None
    negative: str = ""  # the films' class without the finding; by default the model's
    against: Path | None = None  # another model, to compare on the same films
    out: Path | None = None  # folder for predictions.csv and report.html
    overwrite: bool = False  # replace what `out` holds
    thumbnails: bool = False  # show films in the report


def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    """Score a model.

    The films may have other classes than the model: then it is scored on whether there is a finding.

    Returns:
        Figures with intervals, and `films_of`, which says whether the films were held out.
    Raises:
        DataError, BundleError: the films or the model are missing or unfit, or `out` holds something.
    """
    if options.out:
        claim(options.out, options.overwrite)
    manifest = read_manifest(options.manifest) if options.manifest else None
    model = _opened(options.model, options.operating_point)
    other = _opened(options.against, None) if options.against else None
    for one, path in ((model, options.model), (other, options.against)):
        if manifest and one and one.manifest_sha256 != manifest.sha256:
            LOG.warning("%s was trained on another split than %s: it may have seen these films", path, options.manifest)
    with_test = manifest is None or manifest.rule.reads_test_folder
    data = find_data(options.data, with_test, options.negative or model.classes.negative)
    scored = _scored(model, data, manifest, options.part)
    figures = figures_of(scored, overall(scored), model.points)
    if other:
        figures["against"] = {"model": str(options.against)} | compared(
            scored, _scored(other, data, manifest, options.part)
        )
    held_out = manifest is not None and model.manifest_sha256 == manifest.sha256
    films_of = _films_of(data, options, held_out)
    if options.out:
        notes = (films_of, *_doubts(model, data))
        write_scored(options.out, scored, figures, f"{options.model.name} on {data.name}", notes, options.thumbnails)
    return {"model": str(options.model), "films_of": films_of, **figures}


@dataclass(frozen=True)
class _Model:
    """A model ready to score: `logits` maps loaded films to float (films, classes)."""

    classes: Classes
    finding: str
    preparation: Preparation
    temperature: float
    points: dict[str, float]
    """Thresholds by the name of the operating point."""
    threshold: float
    band: tuple[float, float]
    logits: Callable[[LoadedFilms], np.ndarray]
    manifest_sha256: str
    """Of the split that it was trained on; empty if it does not say."""
    device: Predictor | None = None
    """Of a bundle: what refuses films."""


def _opened(path: Path, operating_point: str | None) -> _Model:
    return (_bundle if path.suffix == ".tflite" else _float_model)(path, operating_point)


def _bundle(path: Path, operating_point: str | None) -> _Model:
    predictor = load_predictor(path)
    card = predictor.card
    return _Model(
        classes=Classes(card.labels, card.negative),
        finding=card.finding,
        preparation=predictor.preparation,
        temperature=card.temperature,
        points={name: point.threshold for name, point in card.operating_points.items()},
        threshold=card.operating_point(operating_point)[1].threshold,
        band=card.uncertainty_band,
        logits=lambda films: np.stack([predictor.infer(pixels).logits for pixels in films.pixels]),
        manifest_sha256=str(card.training.get("manifest_sha256", "")),
        device=predictor,
    )


def _float_model(path: Path, operating_point: str | None) -> _Model:
    from train.evaluation.run import RUN, finding_of, read_run, run_preparation
    from train.networks.inference import predict

    model, _, run = read_run(path)
    if run.changed:
        LOG.warning("%s was changed after train fit wrote it: its thresholds may be moved", path.with_name(RUN))
    calibration = run.calibration
    name = operating_point or calibration.default_operating_point
    if name not in calibration.operating_points:
        raise DataError(f"the model has no operating point {name!r}; it has {', '.join(calibration.operating_points)}")
    return _Model(
        classes=run.classes,
        finding=finding_of(run.labels, run.negative),
        preparation=run_preparation(path, run),
        temperature=calibration.temperature,
        points={name: point.threshold for name, point in calibration.operating_points.items()},
        threshold=calibration.operating_points[name].threshold,
        band=calibration.uncertainty_band,
        logits=lambda films: predict(model, films.pixels)["logits"],
        manifest_sha256=run.manifest_sha256,
    )


def _scored(model: _Model, data: DataSet, manifest: Manifest | None, part: str) -> ScoredFilms:
    for doubt in _doubts(model, data):
        LOG.warning("%s", doubt)
    if set(data.labels) == set(model.classes.labels):
        data = replace(data, labels=model.classes.labels)
    films = load_films(data, model.preparation)
    used = {id(film) for film in films.films}
    left_out = [film for film in data.films if id(film) not in used]
    if manifest:
        films, left_out = apply_manifest(films, manifest, part), []
    scored = ScoredFilms(
        films=films.films,
        probabilities=softmax(model.logits(films), model.temperature),
        classes=model.classes,
        finding=model.finding,
        films_negative=data.negative,
        threshold=model.threshold,
        band=model.band,
        fields=films.fields,
        left_out=tuple((film, _why_left_out(film, model.preparation)) for film in left_out),
    )
    if model.device is None:
        return scored
    answers = [model.device.answer(b"", read=lambda *_, film=film: film.read()) for film in films.films]
    return replace(
        scored,
        refusals=tuple(answer.refusal.code if answer.refusal else "" for answer in answers),
        ages_years=tuple(answer.film.age_years if answer.film else None for answer in answers),
    )


def _why_left_out(film: LabelledFilm, preparation: Preparation) -> str:
    try:
        preparation.prepare(film.read().pixels)
    except FilmError as error:
        return error.code
    return "two_labels"  # the same pixels occur under another one


def _doubts(model: _Model, data: DataSet) -> tuple[str, ...]:
    """What makes the classes of films and model doubtful to compare."""
    ours, theirs = set(model.classes.labels) - {model.classes.negative}, set(data.labels) - {data.negative}
    if ours == theirs and model.classes.negative == data.negative:
        return ()
    return (
        f"the films' classes are {', '.join(data.labels)}, the model's {', '.join(model.classes.labels)}: scored is "
        f"whether there is a finding; without one are {data.negative} and {model.classes.negative}",
    )


def _films_of(data: DataSet, options: EvaluateOptions, held_out: bool) -> str:
    """Validation is never called test."""
    if held_out:
        return f"{options.part} part of {data.name}, held out from training by patient"
    if options.manifest:
        return f"{options.part} part of {data.name} by {options.manifest.name}, of another split than the model's"
    return f"all films of {data.name}, whether or not the model was trained on them"
