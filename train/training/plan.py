"""What a training will do: the options of `train fit`, resolved once into one frozen plan."""

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from train.data.check import find_split_data
from train.data.labelled import Classes, DataSet
from train.data.locator_files import LocatorFiles, find_locator
from train.data.purpose import Purpose
from train.data.split import AUTO, SplitRule
from train.data.two_classes import merged_classes
from train.keras import keras
from train.networks import Architecture, find_architecture
from train.training.recipe import SHIPPED, Recipe, find_recipe, with_changes

LOG = logging.getLogger(__name__)
PHANTOM_EPOCHS = 25
FINE_TUNING_SHARE = 0.1  # of the network's learning rate with --init, so that it keeps what it has learned


@dataclass(frozen=True)
class FitOptions:
    """Options of `train fit`."""

    out: Path
    """The run folder."""
    data: str | Sequence[str] | None = None
    """Films, as `--data`; several sources are hospitals."""
    arch: str = "compact"
    """Name of the network, or FILE.py:NAME."""
    epochs: int = 0
    """At most; 0 for the network's own, or PHANTOM_EPOCHS with phantoms."""
    seed: int = 0
    """Of weights, batches and augmentation; the split has its own."""
    split: SplitRule = field(default_factory=lambda: SplitRule(AUTO))
    """Which films are trained on, validated on and tested on."""
    batch_size: int = 0
    """Films per step over all replicas; 0 for the network's own."""
    learning_rate: float = 0.0
    """The peak; 0 for the network's own."""
    input_size_px: int = 0
    """Side of the network's input; 0 for its own."""
    stages: tuple[str, ...] = ()
    """Depth and width of a compact network, `CHANNELS,INNER,BLOCKS` for each stage; empty for its own."""
    binary: bool = False
    """Train on normal or pneumonia, whatever classes of pneumonia the films have."""
    weights: Path | None = None
    """File of `train weights` to start from."""
    recipe: str = SHIPPED
    """Name of the recipe."""
    recipe_changes: tuple[str, ...] = ()
    """What differs from it, `NAME=VALUE` each."""
    teachers: tuple[Path, ...] = ()
    """Float models of finished runs, whose predictions soften the targets."""
    patience: int = 30
    """Epochs without a better AUC before training stops."""
    init: Path | None = None
    """The model.keras of a finished run to continue from."""
    locator: str | Path | None = None
    """Folder of the locator that crops the films, or `none` for whole films; the shipped one by default."""
    negative: str = ""
    """The class without the finding; empty for the one whose name says so."""
    patients: str = ""
    """Rule that tells the patient, of `train.data.patients`; empty to guess it."""
    purpose: Purpose = field(default_factory=Purpose)
    """Whom the model is for; a bundle of real films needs it."""
    resume: bool = False
    """Continue an interrupted run."""
    overwrite: bool = False
    """Replace the run in `out`, once the new one is finished."""
    tensorboard: Path | None = None
    """Folder for TensorBoard's event files."""
    strict: bool = False
    """Refuse a data set that holds a film that cannot be read."""
    strategy: str = "single"
    """Or mirrored, multiworker."""
    bfloat16: bool = False
    """Multiply at half precision while training."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network is trained: a cosine after a linear warm-up."""

    epochs: int
    """At most, 1 or more."""
    batch_size: int
    """Films per step over all replicas, 1 or more."""
    steps_per_epoch: int
    """0 for as many full batches as there are films."""
    learning_rate: float
    """The peak, above 0."""
    patience: int
    """Epochs without a better AUC before training stops."""
    warmup_steps: int = 200
    """At most; never more than half of all steps."""
    first_share: float = 1 / 20
    """Of the learning rate, at the first step."""
    last_share: float = 0.01
    """Of the first step's learning rate, at the last step."""
    weight_decay: float = 0.02
    """Of AdamW, 0 or more."""

    def optimizer(self, all_steps: int) -> Any:
        """AdamW that follows this schedule over `all_steps` steps."""
        learning_rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=self.learning_rate * self.first_share,
            decay_steps=max(1, all_steps - self.warmup_steps),
            warmup_target=self.learning_rate,
            warmup_steps=min(self.warmup_steps, all_steps // 2),
            alpha=self.last_share,
        )
        return keras.optimizers.AdamW(learning_rate, weight_decay=self.weight_decay)


@dataclass(frozen=True)
class TrainingPlan:
    """All that a training does, with every name looked up and every default filled in."""

    options: FitOptions
    """Those given, with the defaults that depend on network and films filled in."""
    data: DataSet
    """Which films there are, under their own classes."""
    classes: Classes
    """What the model learns to distinguish; two, if `binary`."""
    architecture: Architecture
    recipe: Recipe
    schedule: Schedule
    locator: LocatorFiles | None
    """None: the model sees whole films."""

    @property
    def arch(self) -> str:
        """The name in runs and files: of FILE.py:NAME the NAME."""
        return self.options.arch.rpartition(":")[2]


def resolve(options: FitOptions, replicas: int = 1) -> TrainingPlan:
    """Look up what the options name, and fill in what they leave open.

    Args:
        replicas: devices that share a batch.
    Raises:
        DataError: no such network or recipe, no such films, a batch that the replicas cannot share equally, or a
            converted file for `init`.
    """
    if options.init and options.init.suffix == ".tflite":
        raise DataError(
            f"{options.init} is a converted file: its weights are whole numbers, which cannot be trained on. Give "
            "--init the model.keras of the run that it was converted from"
        )
    architecture, recipe = _network(options), with_changes(find_recipe(options.recipe), options.recipe_changes)
    data, split = find_split_data(options.data, options.split, options.negative, options.patients)
    binary = options.binary and len(data.labels) > 2
    for note in data.notes:
        LOG.info("%s", note)
    LOG.info("split %s", split.name)
    if not data.is_phantom and options.purpose.missing:
        LOG.info("a bundle will need %s", ", ".join(options.purpose.missing))
    batch_size = options.batch_size or architecture.batch_size
    if batch_size % replicas:
        raise DataError(f"a batch of {batch_size} films cannot be shared by {replicas} replicas")
    schedule = Schedule(
        epochs=options.epochs or (PHANTOM_EPOCHS if data.is_phantom else architecture.epochs),
        batch_size=batch_size,
        steps_per_epoch=architecture.steps_per_epoch,
        learning_rate=options.learning_rate or architecture.learning_rate * (FINE_TUNING_SHARE if options.init else 1),
        patience=options.patience,
    )
    return TrainingPlan(
        options=replace(
            options,
            split=split,
            binary=binary,
            epochs=schedule.epochs,
            batch_size=batch_size,
            learning_rate=schedule.learning_rate,
            input_size_px=architecture.input_size_px,
        ),
        data=data,
        classes=merged_classes(data.classes) if binary else data.classes,
        architecture=architecture,
        recipe=recipe,
        schedule=schedule,
        locator=find_locator(options.locator),
    )


def _network(options: FitOptions) -> Architecture:
    """The network, with another input size or other stages if the options say so."""
    found = find_architecture(options.arch)
    found = replace(found, input_size_px=options.input_size_px or found.input_size_px)
    if not options.stages:
        return found
    try:
        stages = tuple(tuple(map(int, stage.split(","))) for stage in options.stages)
        if not found.takes_stages or not all(len(stage) == 3 and min(stage) >= 0 for stage in stages):
            raise ValueError("three whole numbers")
    except ValueError as cause:
        raise DataError(
            f"--stages takes CHANNELS,INNER,BLOCKS for each stage of a compact network, got {' '.join(options.stages)} "
            f"for {options.arch}"
        ) from cause
    return replace(found, build=functools.partial(found.build, stages=stages))
