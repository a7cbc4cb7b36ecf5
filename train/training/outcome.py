"""What a trained model is worth: its calibration, and its figures on every set of films."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from edge_app.reading.decision import softmax
from train.data.loading import LoadedFilms
from train.data.split import TRAIN, VALIDATION, Manifest
from train.evaluation.evaluation_sets import AS_THEY_ARE, EvaluationSet
from train.evaluation.floor import Floor
from train.evaluation.metrics import score
from train.evaluation.operating_points import Calibration, calibrate
from train.evaluation.run import Run
from train.networks.inference import predict
from train.training.films import TrainingFilms
from train.training.loop import Trained
from train.training.plan import TrainingPlan

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The run to write, its metrics as in `metrics.json`, and the logits on each evaluation set by its name."""

    run: Run
    metrics: dict[str, Any]
    logits: dict[str, np.ndarray]


def evaluate_training(plan: TrainingPlan, films: TrainingFilms, trained: Trained) -> Outcome:
    """Calibrate the model on the evaluation sets, and score it on them, on each site and on the test part."""
    model, manifest = trained.model, films.manifest
    logits = {each.name: predict(model, each.pixels)["logits"] for each in films.evaluation_sets}
    run = calibrated_run(plan, manifest, films.evaluation_sets, logits)
    metrics = {
        "data": plan.data.name,
        "phantom": plan.data.is_phantom,
        "arch": plan.arch,
        "start": trained.origin,
        "seed": plan.options.seed,
        "recipe": plan.options.recipe,
        "epochs": plan.schedule.epochs,
        "trained_epochs": len(trained.history),
        "kept_epoch": int(trained.kept["epoch"]),
        "teachers": len(plan.options.teachers),
        "bfloat16": plan.options.bfloat16,
        "locator_sha256": plan.locator.sha256 if plan.locator else "",
        "training_films": len(manifest.rows(TRAIN)),
        "validation_films": len(manifest.rows(VALIDATION)),
        "judges": run.figures,
        "calibration": asdict(run.calibration),
        "parameters": model.count_params(),
    }
    figures = {name: run.figures[AS_THEY_ARE][name]["value"] for name in asdict(Floor())}
    metrics["below_floor"] = Floor().missed_by(figures)
    if films.test:
        LOG.info("scoring %d test films, once", len(films.test.films))
        run = replace(run, test=_figures(model, run, films.test))
        metrics["test"] = run.test
    if by_site := _figures_by_site(model, run, films.validation):
        metrics["sites"] = by_site
    return Outcome(run, metrics, logits)


def calibrated_run(
    plan: TrainingPlan, manifest: Manifest, sets: Sequence[EvaluationSet], logits: Mapping[str, np.ndarray]
) -> Run:
    """Calibrate a model by its logits on every evaluation set, float32 (films, classes), and score it there."""
    calibration = calibrate(sets, logits)
    return Run(
        arch=plan.arch,
        input_size_px=plan.architecture.input_size_px,
        labels=plan.classes.labels,
        seed=plan.options.seed,
        epochs=plan.schedule.epochs,
        phantom=plan.data.is_phantom,
        data_licence=plan.data.licence,
        data_attribution=plan.data.attribution,
        manifest_sha256=manifest.sha256,
        calibration=calibration,
        figures={each.name: _scored(plan, each, logits[each.name], calibration) for each in sets},
        negative=plan.classes.negative,
        purpose=plan.options.purpose,
        locator_sha256=plan.locator.sha256 if plan.locator else "",
    )


def _scored(plan: TrainingPlan, films: EvaluationSet, logits: np.ndarray, calibration: Calibration) -> dict[str, Any]:
    probabilities = softmax(logits, calibration.temperature)
    return asdict(score(films.classes, probabilities, plan.classes, calibration.default_threshold, films.draws))


def _figures_by_site(model: Any, run: Run, films: LoadedFilms) -> dict[str, dict[str, Any]]:
    """Each hospital's validation films by themselves; nothing for a hospital that lacks a class."""
    sites = films.sites
    rows = {site: np.flatnonzero(sites == site) for site in np.unique(sites) if site}
    complete = {site: here for site, here in rows.items() if len(set(films.classes[here])) == len(run.labels)}
    return {site: _figures(model, run, films.only(here)) for site, here in complete.items()}


def _figures(model: Any, run: Run, films: LoadedFilms) -> dict[str, Any]:
    probabilities = softmax(predict(model, films.pixels)["logits"], run.calibration.temperature)
    return asdict(score(films.classes, probabilities, run.classes, run.calibration.default_threshold))
