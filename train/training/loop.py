"""The training loop: from a plan and its films to the model of the best epoch."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.system.result_folder import claim
from train.evaluation.run import read_run
from train.keras import keras
from train.networks.pretrained import start
from train.networks.rebuild import for_training, for_use, full_precision
from train.training import checkpoint
from train.training.batches import BatchOptions, steps_per_epoch, training_batches
from train.training.callbacks import training_callbacks
from train.training.checkpoint import Progress
from train.training.config import config_text
from train.training.distribution import SINGLE, shared_out
from train.training.films import TrainingFilms
from train.training.plan import Schedule, TrainingPlan

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """The model of the best epoch, the figures of every epoch, and where the first weights came from."""

    model: Any
    history: list[dict[str, float]]
    origin: str

    @property
    def kept(self) -> dict[str, float]:
        """The figures of the epoch whose model was kept: the first with the highest AUC."""
        return max(self.history, key=lambda row: row["judge_auc"])


def train(plan: TrainingPlan, films: TrainingFilms, strategy: Any) -> Trained:
    """Train, or continue a training that was killed.

    Raises:
        DataError: the weights or the run to start from are missing or unfit.
    """
    keras.utils.set_random_seed(plan.options.seed)
    # Layers that are built from now on keep their random state where `EpochSeeds` can set it.
    keras.backend.experimental.enable_tf_random_generator()
    schedule = plan.schedule
    options = BatchOptions(
        side_px=plan.architecture.input_size_px,
        batch_size=schedule.batch_size,
        epochs=schedule.epochs,
        seed=plan.options.seed,
        steps=schedule.steps_per_epoch,
        recipe=plan.recipe,
    )
    steps = steps_per_epoch(films.training, options)
    folder = plan.options.out / checkpoint.FOLDER
    progress = _progress(plan, films, folder, steps, strategy)
    history = progress.history
    if history:
        LOG.info("resuming %s: %d of %d epochs are done", plan.options.out, len(history), schedule.epochs)
    done = len(history) * steps
    if _is_over(history, schedule):  # killed after its last epoch
        return _trained(plan, folder, progress)
    batches = training_batches(films.training, films.context, films.targets, options, first_step=done)
    progress.model.fit(
        shared_out(batches, strategy),
        epochs=schedule.epochs,
        initial_epoch=len(history),
        steps_per_epoch=steps,
        verbose=0,
        callbacks=training_callbacks(plan, films.evaluation_sets, folder, progress, steps),
    )
    return _trained(plan, folder, progress)


def _is_over(history: list[dict[str, float]], schedule: Schedule) -> bool:
    """Whether all epochs are done, or too many without a better one, as `Patience` counts them."""
    scores = [row["judge_auc"] for row in history]
    waited = len(scores) - 1 - scores.index(max(scores)) if scores else 0
    return len(history) >= schedule.epochs or waited >= schedule.patience


def _trained(plan: TrainingPlan, folder: Path, progress: Progress) -> Trained:
    """The model of the best epoch."""
    history, schedule = progress.history, plan.schedule
    best = checkpoint.best_model(folder)
    changed = plan.options.bfloat16 or plan.options.strategy != SINGLE
    trained = Trained(for_use(best) if changed else best, history, progress.origin)
    LOG.info(
        "kept epoch %d of %d: its lowest AUC on any evaluation set is the highest, %.4f%s",
        trained.kept["epoch"],
        len(history),
        trained.kept["judge_auc"],
        f"; stopped after {schedule.patience} epochs without a better one" if len(history) < schedule.epochs else "",
    )
    return trained


def _progress(plan: TrainingPlan, films: TrainingFilms, folder: Path, steps: int, strategy: Any) -> Progress:
    """A new training, or the one to resume."""
    averaging = bool(plan.recipe.averaging)
    locator = plan.locator.sha256 if plan.locator else ""
    if plan.options.resume:
        return checkpoint.resume(folder, films.manifest, locator, steps, averaging, strategy)
    with strategy.scope():
        model, origin = _new_model(plan, steps, strategy)
    claim(plan.options.out, plan.options.overwrite)  # again: another run may have begun there meanwhile
    checkpoint.begin(folder, films.manifest, locator, origin, config_text(plan.options))
    return Progress(model, full_precision(model) if averaging else model, [], origin)


def _new_model(plan: TrainingPlan, steps: int, strategy: Any) -> tuple[Any, str]:
    """A compiled model with its first weights, and where they came from."""
    try:
        model = plan.architecture.checked(len(plan.classes.labels))
    except ValueError as cause:
        raise DataError(
            f"{plan.arch} cannot be built for {plan.architecture.input_size_px} px: give another --input-size or "
            f"--stages: {cause}"
        ) from cause
    model = for_training(model, plan.options.bfloat16, synchronized=strategy.num_replicas_in_sync > 1)
    origin = start(model, plan.arch, plan.architecture, plan.options.weights)
    if plan.options.init:
        _begin_from(model, plan.options.init, plan)
        origin = f"the finished run {plan.options.init.name}"
    smoothing = plan.recipe.label_smoothing
    model.compile(
        optimizer=plan.schedule.optimizer(plan.schedule.epochs * steps),
        loss={"logits": keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)},
    )
    return model, origin


def _begin_from(model: Any, source: Path, plan: TrainingPlan) -> None:
    """Give a new model the weights of a finished run, to continue with a site's own cases.

    Raises:
        DataError: it has another network or other classes.
    """
    found, _, run = read_run(source)
    if run.arch != plan.arch or found.count_params() != model.count_params():
        raise DataError(
            f"{source} is a {run.arch} for {run.input_size_px} px, expected {plan.arch}: give --arch {run.arch}"
        )
    if run.labels != plan.classes.labels:
        raise DataError(
            f"{source} has the classes {', '.join(run.labels)}, the films are of {', '.join(plan.classes.labels)}: "
            "give films of the same classes"
        )
    model.set_weights(found.get_weights())
