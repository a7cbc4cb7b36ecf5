"""Training one float model, from films to a finished run folder."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError
from edge_app.reading.decision import p_finding, softmax
from edge_app.system.files import write_atomically
from train.data.loading import LoadedFilms, load_films
from train.data.sources import DataSet, find_data
from train.data.split import TEST, TRAIN, VALIDATION, Manifest, SplitRule, read_manifest, split_films, write_manifest
from train.data.two_classes import as_labelled, merge_films, merge_labels, merge_manifest
from train.evaluation.evaluation_sets import Judge, all_judges
from train.evaluation.metrics import score
from train.evaluation.operating_points import calibrate
from train.evaluation.part_figures import figures_by_site, test_figures
from train.evaluation.plots import write_confusion, write_curves, write_roc_and_calibration
from train.evaluation.run import Run, write_run
from train.keras import keras
from train.networks import find_architecture
from train.networks.inference import predict
from train.networks.precision import full_precise, half_precise
from train.networks.pretrained import start
from train.training.averaging import WeightAverage
from train.training.batches import StreamOptions, one_hot, steps_per_epoch, training_stream
from train.training.distribution import SINGLE, check_batch, shared_out, synchronized, unsynchronized, workplace
from train.training.finetune import LEARNING_RATE_SHARE, begin_from
from train.training.randomness import EpochSeeds, use_own_generators
from train.training.recipe import SHIPPED, find_recipe
from train.training.recorder import BEST, HISTORY, LAST, Patience, ProgressBar, RunRecorder, average_path, read_history
from train.training.teacher import soft_labels

CHECKPOINT, START = "checkpoint", "start.txt"
WARMUP_STEPS = 200
WEIGHT_DECAY = 0.02
METRICS = "metrics.json"
PHANTOM_EPOCHS = 25


@dataclass(frozen=True)
class FitOptions:
    """What `train fit` was asked for."""

    out: Path
    data: str | Sequence[str] | None = None  # several are hospitals
    arch: str = "compact"
    epochs: int = 0  # at most; 0 for the network's own or, with phantoms, PHANTOM_EPOCHS
    seed: int = 0  # of weights, batches and augmentation; the split has its own
    split: SplitRule = field(default_factory=SplitRule)
    batch_size: int = 0  # 0 for the network's own, as for the learning rate
    learning_rate: float = 0.0
    binary: bool = False  # normal or pneumonia, whatever classes of pneumonia the films have
    weights: Path | None = None  # to start from, of `train weights`
    recipe: str = SHIPPED
    teachers: tuple[Path, ...] = ()  # float models of finished runs whose answers soften the labels
    patience: int = 30  # epochs without a better judge before training stops
    init: Path | None = None  # the model.keras of a finished run to go on from
    negative: str = ""  # the class without the finding; normal, or else the first
    resume: bool = False
    strict: bool = False  # refuse a data set that holds a film that cannot be read
    strategy: str = "single"  # or mirrored, multiworker
    bfloat16: bool = False  # multiply at half precision while training


def fit(options: FitOptions) -> dict[str, Any]:
    """Train, judge, calibrate, and write the run folder.

    Returns:
        The metrics that are written to `metrics.json`.
    Raises:
        DataError: the data set or a run to resume is missing or unfit.
    """
    with workplace(options.strategy, options.out, CHECKPOINT) as here:
        return _fit(replace(options, out=here.out), here.strategy)


def finished(options: FitOptions, command: str, name: str) -> dict[str, Any]:
    """The metrics of a run that is trained only if it was not: an interrupted one is resumed.

    Args:
        command, name: who asks and for what, as the log says it.
    Raises:
        DataError: as `fit`.
    """
    path = options.out / METRICS
    if not path.exists():
        print(f"{command}: training {name} with seed {options.seed} in {options.out}", file=sys.stderr, flush=True)
        fit(replace(options, resume=True))
    metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return metrics


def _fit(options: FitOptions, strategy: Any) -> dict[str, Any]:
    architecture = find_architecture(options.arch)
    data = find_data(options.data, options.split.reads_test_folder, options.negative)
    options = replace(
        options,
        epochs=options.epochs or (PHANTOM_EPOCHS if data.is_phantom else architecture.epochs),
        batch_size=options.batch_size or architecture.batch_size,
        learning_rate=options.learning_rate
        or architecture.learning_rate * (LEARNING_RATE_SHARE if options.init else 1),
    )
    check_batch(strategy, options.batch_size)
    films = load_films(data, architecture.input_size_px, options.strict)
    manifest = split_films(films, data.name, data.labels, options.split)
    labels = training_labels(options, data, films.classes[manifest.rows(TRAIN)], manifest)
    if options.binary:
        films, manifest, labels = merge_films(films, data.labels), merge_manifest(manifest), merge_labels(labels)
        data = as_labelled(data, manifest.labels)
    negative = data.negative_index
    parts = {part: films.only(manifest.rows(part)) for part in (TRAIN, VALIDATION)}
    judges = all_judges(parts[VALIDATION], negative)

    model, history = train(options, parts[TRAIN], labels, judges, manifest, negative, strategy)
    logits = {judge.name: predict(model, judge.pixels)["logits"] for judge in judges}
    run, metrics = judged(options, data, logits, manifest, judges, negative)
    metrics["parameters"] = model.count_params()
    if manifest.rule.has_test_part:
        run = replace(run, test=test_figures(model, run, films.only(manifest.rows(TEST)), negative))
        metrics["test"] = run.test
    if by_site := figures_by_site(model, run, parts[VALIDATION], negative):
        metrics["sites"] = by_site
    write_run(options.out, model, manifest, run)
    write_atomically(options.out / METRICS, (json.dumps(metrics, indent=1) + "\n").encode())
    write_atomically(options.out / HISTORY, json.dumps(history, indent=1).encode())
    _write_plots(options.out, history, run, logits, judges, negative)
    shutil.rmtree(options.out / CHECKPOINT)
    return metrics


def training_labels(options: FitOptions, data: DataSet, classes: np.ndarray, manifest: Manifest) -> np.ndarray:
    """What each training film is to be called, float32 (films, classes); teachers have their share."""
    labels = one_hot(classes, len(manifest.labels))
    share = find_recipe(options.recipe).teacher_share
    if not options.teachers or not share:
        return labels
    return (1 - share) * labels + share * soft_labels(options.teachers, data, manifest)


def train(
    options: FitOptions,
    films: LoadedFilms,
    labels: np.ndarray,
    judges: tuple[Judge, ...],
    manifest: Manifest,
    negative: int,
    strategy: Any,
) -> tuple[Any, list[dict[str, float]]]:
    """The training loop; returns the model of the best epoch and the history of all."""
    keras.utils.set_random_seed(options.seed)
    use_own_generators()
    recipe, own_steps = find_recipe(options.recipe), find_architecture(options.arch).steps_per_epoch
    stream = StreamOptions(options.batch_size, options.epochs, options.seed, own_steps, recipe)
    steps = steps_per_epoch(films, stream)
    folder = options.out / CHECKPOINT
    model, average, history = _started(options, folder, manifest, steps, strategy)
    recorder = RunRecorder(folder, average, judges, negative, history)
    done = len(history) * steps
    model.fit(
        shared_out(training_stream(films, labels, stream, first_step=done), strategy),
        epochs=options.epochs,
        initial_epoch=len(history),
        steps_per_epoch=steps,
        verbose=0,
        callbacks=[
            EpochSeeds(options.seed),
            *([WeightAverage(average, recipe.averaging)] if recipe.averaging else []),
            recorder,
            ProgressBar(options.epochs * steps, done),
            Patience(options.patience, list(history)),
        ],
    )
    best = keras.models.load_model(folder / BEST, compile=False)
    best = full_precise(best) if options.bfloat16 else best
    return best if options.strategy == SINGLE else unsynchronized(best), recorder.history


def _started(
    options: FitOptions, folder: Path, manifest: Manifest, steps: int, strategy: Any
) -> tuple[Any, Any, list[dict[str, float]]]:
    """A new model and its average, or those of a run to resume with the epochs that it has behind it."""
    recipe = find_recipe(options.recipe)
    if options.resume and (folder / LAST).exists():
        if read_manifest(folder / "manifest.json").sha256 != manifest.sha256:
            raise DataError(f"{folder} was started with other films or another split: train without --resume")
        with strategy.scope():
            model = keras.models.load_model(folder / LAST)
        # The history is written before the model: a kill between them leaves it one epoch ahead.
        epochs_done = int(model.optimizer.iterations.numpy()) // steps
        average = keras.models.load_model(average_path(folder, epochs_done)) if recipe.averaging else model
        return model, average, read_history(folder)[:epochs_done]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_manifest(manifest, folder / "manifest.json")
    with strategy.scope():
        model = _new_model(options, manifest.labels, steps, strategy)
    return model, full_precise(model) if recipe.averaging else model, []


def _new_model(options: FitOptions, labels: tuple[str, ...], steps: int, strategy: Any) -> Any:
    """A compiled model at its first weights."""
    architecture = find_architecture(options.arch)
    model = architecture.build(architecture.input_size_px, len(labels))
    model = synchronized(half_precise(model) if options.bfloat16 else model, strategy)
    origin = start(model, options.arch, architecture, options.weights)
    if options.init:
        begin_from(model, options.init, options.arch, labels)
        origin = f"the finished run {options.init.name}"
    write_atomically(options.out / CHECKPOINT / START, origin.encode())
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=options.learning_rate / 20,
        decay_steps=max(1, options.epochs * steps - WARMUP_STEPS),
        warmup_target=options.learning_rate,
        warmup_steps=min(WARMUP_STEPS, options.epochs * steps // 2),
        alpha=0.01,
    )
    smoothing = find_recipe(options.recipe).label_smoothing
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY),
        loss={"logits": keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)},
    )
    return model


def _origin(checkpoint: Path) -> str:
    """Where the first weights came from, as noted when the run began."""
    path = checkpoint / START
    return path.read_text(encoding="utf-8") if path.exists() else "not noted"


def judged(
    options: FitOptions,
    data: DataSet,
    logits: dict[str, np.ndarray],
    manifest: Manifest,
    judges: tuple[Judge, ...],
    negative: int,
) -> tuple[Run, dict[str, Any]]:
    """Calibrate a model by its logits on every judge, float32 (films, classes), and score it."""
    calibration = calibrate([(logits[judge.name], judge.classes) for judge in judges], negative)
    threshold = calibration.operating_points[calibration.default_operating_point].threshold
    figures = {
        judge.name: asdict(
            score(
                judge.classes,
                softmax(logits[judge.name], calibration.temperature),
                data.labels,
                negative,
                threshold,
            )
        )
        for judge in judges
    }
    run = Run(
        arch=options.arch,
        input_size_px=find_architecture(options.arch).input_size_px,
        labels=data.labels,
        seed=options.seed,
        epochs=options.epochs,
        phantom=data.is_phantom,
        data_licence=data.licence,
        data_attribution=data.attribution,
        manifest_sha256=manifest.sha256,
        calibration=calibration,
        metrics=figures,
        negative=data.negative,
    )
    metrics = {
        "data": data.name,
        "arch": options.arch,
        "start": _origin(options.out / CHECKPOINT),
        "seed": options.seed,
        "recipe": options.recipe,
        "epochs": options.epochs,
        "teachers": len(options.teachers),
        "bfloat16": options.bfloat16,
        "training_films": len(manifest.rows(TRAIN)),
        "validation_films": len(manifest.rows(VALIDATION)),
        "judges": figures,
        "calibration": asdict(calibration),
    }
    return run, metrics


def _write_plots(
    folder: Path,
    history: list[dict[str, float]],
    run: Run,
    logits: dict[str, np.ndarray],
    judges: tuple[Judge, ...],
    negative: int,
) -> None:
    write_curves(history, folder / "curves.png")
    curves = {}
    for judge in judges:
        p_pneumonia = p_finding(logits[judge.name], run.calibration.temperature, negative)
        curves[judge.name] = (judge.classes != negative, p_pneumonia)
        title = f"validation, {judge.name}"
        write_confusion(run.metrics[judge.name]["confusion"], run.labels, title, folder / f"confusion-{judge.name}.png")
    write_roc_and_calibration(curves, folder / "roc.png")
