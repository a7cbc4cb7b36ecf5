"""Training one float model, from films to a finished run folder."""

import json
import logging
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.reading.decision import softmax
from edge_app.system.files import write_atomically
from edge_app.system.result_folder import claim
from train.evaluation.evaluation_sets import AS_THEY_ARE
from train.evaluation.floor import few_films
from train.evaluation.plots import curves_plot, roc_and_calibration_plot
from train.evaluation.run import RUN, finding_of, write_run
from train.evaluation.run_record import run_record
from train.evaluation.scored.figures import figures_of
from train.evaluation.scored.films import ScoredFilms
from train.evaluation.scored.page import write_scored
from train.training import checkpoint
from train.training.config import CONFIG, check_same, command_of, config_text, read_config
from train.training.distribution import placement
from train.training.films import TrainingFilms, read_films
from train.training.loop import Trained, train
from train.training.outcome import Outcome, evaluate_training
from train.training.plan import FitOptions, TrainingPlan, resolve

__all__ = ["METRICS", "FitOptions", "fit"]

LOG = logging.getLogger(__name__)
METRICS = "metrics.json"


def fit(options: FitOptions) -> dict[str, Any]:
    """Train, calibrate and score one model, and write its run folder.

    Returns:
        The metrics, as in `metrics.json`.
    Raises:
        DataError: the films, or a run to resume or to start from, are missing or unfit, or `out` holds something.
    """
    started = time.time()
    with placement(options.strategy, options.out, checkpoint.FOLDER) as place:
        plan = resolve(replace(options, out=place.out), place.strategy.num_replicas_in_sync)
        if options.resume:
            check_same(noted_settings(options.out), plan.options, options.out)
            if is_finished(options.out):
                return _finished(options.out)
        elif place.out == options.out:
            claim(options.out, options.overwrite)
        films = read_films(plan)
        trained = train(plan, films, place.strategy)
        outcome = evaluate_training(plan, films, trained)
        _write(plan, films, trained, outcome, run_record(command_of(options), started))
        return outcome.metrics


def _write_report(plan: TrainingPlan, films: TrainingFilms, trained: Trained, outcome: Outcome) -> None:
    """The table and the page of the validation films, and what is wrong with the model or with their number."""
    run, calibration, validation = outcome.run, outcome.run.calibration, films.validation
    notes = [few_films(films.evaluation_sets[0].positive)]
    if missed := outcome.metrics["below_floor"]:
        notes.append(f"Of no use on its validation films: {'; '.join(missed)}. convert will refuse it")
    for note in filter(None, notes):
        LOG.warning("WARNING: %s", note)
    notes.append("Trained and evaluated on drawings. Never to be used on a person." if run.phantom else "")
    scored = ScoredFilms(
        films=validation.films,
        probabilities=softmax(outcome.logits[AS_THEY_ARE], calibration.temperature),
        classes=run.classes,
        finding=finding_of(run.labels, run.negative),
        films_negative=run.negative,
        threshold=calibration.default_threshold,
        band=calibration.uncertainty_band,
        fields=validation.fields,
    )
    points = {name: point.threshold for name, point in calibration.operating_points.items()}
    figures = figures_of(scored, run.figures[AS_THEY_ARE], points)
    title = f"{run.arch}: validation films of {plan.data.name}"
    sets = {
        each.name: (each.positive, each.p_finding(outcome.logits[each.name], calibration.temperature))
        for each in films.evaluation_sets
    }
    pictures = {"The evaluation sets": roc_and_calibration_plot(sets), "The epochs": curves_plot(trained.history)}
    write_scored(plan.options.out, scored, figures, title, tuple(filter(None, notes)), pictures=pictures)


def noted_settings(folder: Path) -> dict[str, Any]:
    """The settings of the run in a folder, finished or not; empty where an older version did not note them.

    Raises:
        DataError: there is no run to resume.
    """
    unfinished = folder / checkpoint.FOLDER
    if not is_finished(folder) and not (unfinished / checkpoint.LAST).exists():
        raise DataError(f"{folder} holds no run to resume, or one without a finished epoch: train without --resume")
    path = (folder if is_finished(folder) else unfinished) / CONFIG
    return read_config(path) if path.exists() else {}


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a finished run, and none that is under way."""
    return (folder / RUN).exists() and not (folder / checkpoint.FOLDER).exists()


def _finished(folder: Path) -> dict[str, Any]:
    """The metrics of a run that needs no more training."""
    history = json.loads((folder / checkpoint.HISTORY).read_text(encoding="utf-8"))
    LOG.info("%s is finished, after %d epochs: nothing is trained", folder, len(history))
    metrics: dict[str, Any] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    return metrics


def _write(
    plan: TrainingPlan, films: TrainingFilms, trained: Trained, outcome: Outcome, record: dict[str, Any]
) -> None:
    """Write the run folder; the checkpoint goes last."""
    folder = plan.options.out
    run = replace(outcome.run, record=record)
    write_run(folder, trained.model, films.manifest, run, plan.locator)
    write_atomically(folder / CONFIG, config_text(plan.options).encode())
    write_atomically(folder / METRICS, (json.dumps(outcome.metrics, indent=1) + "\n").encode())
    for name in (checkpoint.HISTORY, checkpoint.HISTORY_CSV):
        write_atomically(folder / name, (folder / checkpoint.FOLDER / name).read_bytes())
    _write_report(plan, films, trained, outcome)
    shutil.rmtree(folder / checkpoint.FOLDER)
