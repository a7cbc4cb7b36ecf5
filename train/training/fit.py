"""Training one float model, from films to a finished run folder."""

import json
import logging
import shutil
from dataclasses import replace
from typing import Any

from edge_app.system.files import write_atomically
from train.evaluation.plots import write_confusion, write_curves, write_roc_and_calibration
from train.evaluation.run import write_run
from train.training import checkpoint
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
        DataError: the films, or a run to resume or to start from, are missing or unfit.
    """
    with placement(options.strategy, options.out, checkpoint.FOLDER) as place:
        plan = resolve(replace(options, out=place.out), place.strategy.num_replicas_in_sync)
        films = read_films(plan)
        trained = train(plan, films, place.strategy)
        outcome = evaluate_training(plan, films, trained)
        _write(plan, films, trained, outcome)
        return outcome.metrics


def _write(plan: TrainingPlan, films: TrainingFilms, trained: Trained, outcome: Outcome) -> None:
    """Write the run folder; the checkpoint goes last."""
    folder = plan.out
    write_run(folder, trained.model, films.manifest, outcome.run, plan.locator or plan.framing)
    write_atomically(folder / METRICS, (json.dumps(outcome.metrics, indent=1) + "\n").encode())
    write_atomically(folder / checkpoint.HISTORY, json.dumps(trained.history, indent=1).encode())
    write_curves(trained.history, folder / "curves.png")
    scores = {}
    for each in films.evaluation_sets:
        run, title = outcome.run, f"validation, {each.name}"
        scores[each.name] = each.positive, each.p_finding(outcome.logits[each.name], run.calibration.temperature)
        write_confusion(run.figures[each.name]["confusion"], run.labels, title, folder / f"confusion-{each.name}.png")
    write_roc_and_calibration(scores, folder / "roc.png")
    shutil.rmtree(folder / checkpoint.FOLDER)
