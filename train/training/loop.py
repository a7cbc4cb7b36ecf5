"""The training loop: from a plan and its films to the model of the best epoch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from train.evaluation.run import read_run
from train.keras import keras
from train.networks.pretrained import start
from train.networks.rebuild import for_training, for_use, full_precision
from train.training import checkpoint
from train.training.batches import BatchOptions, steps_per_epoch, training_batches
from train.training.callbacks import training_callbacks
from train.training.checkpoint import Progress
from train.training.distribution import SINGLE, shared_out
from train.training.films import TrainingFilms
from train.training.plan import TrainingPlan


@dataclass(frozen=True)
class Trained:
    """The model of the best epoch, the figures of every epoch, and where the first weights came from."""

    model: Any
    history: list[dict[str, float]]
    origin: str


def train(plan: TrainingPlan, films: TrainingFilms, strategy: Any) -> Trained:
    """Train, or continue a training that was killed.

    Raises:
        DataError: the weights or the run to start from are missing or unfit.
    """
    keras.utils.set_random_seed(plan.seed)
    # Layers that are built from now on keep their random state where `EpochSeeds` can set it.
    keras.backend.experimental.enable_tf_random_generator()
    schedule = plan.schedule
    options = BatchOptions(
        side_px=plan.architecture.input_size_px,
        batch_size=schedule.batch_size,
        epochs=schedule.epochs,
        seed=plan.seed,
        steps=schedule.steps_per_epoch,
        recipe=plan.recipe,
    )
    steps = steps_per_epoch(films.training, options)
    folder = plan.out / checkpoint.FOLDER
    progress = _progress(plan, films, folder, steps, strategy)
    history = progress.history
    done = len(history) * steps
    batches = training_batches(films.training, films.context, films.targets, options, first_step=done)
    progress.model.fit(
        shared_out(batches, strategy),
        epochs=schedule.epochs,
        initial_epoch=len(history),
        steps_per_epoch=steps,
        verbose=0,
        callbacks=training_callbacks(plan, films.evaluation_sets, folder, progress, steps),
    )
    best = checkpoint.best_model(folder)
    return Trained(for_use(best) if plan.bfloat16 or plan.strategy != SINGLE else best, history, progress.origin)


def _progress(plan: TrainingPlan, films: TrainingFilms, folder: Path, steps: int, strategy: Any) -> Progress:
    """A new training, or the one to resume."""
    averaging = bool(plan.recipe.averaging)
    locator = plan.locator.sha256 if plan.locator else ""
    if plan.resume and (found := checkpoint.resume(folder, films.manifest, locator, steps, averaging, strategy)):
        return found
    with strategy.scope():
        model, origin = _new_model(plan, steps, strategy)
    checkpoint.begin(folder, films.manifest, locator, origin)
    return Progress(model, full_precision(model) if averaging else model, [], origin)


def _new_model(plan: TrainingPlan, steps: int, strategy: Any) -> tuple[Any, str]:
    """A compiled model with its first weights, and where they came from."""
    model = plan.architecture.checked(len(plan.classes.labels))
    model = for_training(model, plan.bfloat16, synchronized=strategy.num_replicas_in_sync > 1)
    origin = start(model, plan.arch, plan.architecture, plan.weights)
    if plan.init:
        _begin_from(model, plan.init, plan)
        origin = f"the finished run {plan.init.name}"
    smoothing = plan.recipe.label_smoothing
    model.compile(
        optimizer=plan.schedule.optimizer(plan.schedule.epochs * steps),
        loss={"logits": keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)},
    )
    return model, origin


def _begin_from(model: Any, source: Path, plan: TrainingPlan) -> None:
    """Give a new model the weights of a finished run, to continue with a site's own cases.

    Raises:
        DataError: it is a converted file, which holds no weights to train; or it has another network
            or other classes.
    """
    if source.suffix == ".tflite":
        raise DataError(
            f"{source} is a converted file: its weights are whole numbers, which cannot be trained on. Give --init the "
            "model.keras of the run that it was converted from"
        )
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
