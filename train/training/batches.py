"""The training batches: a pure function of films, seed and step.

Any step can be made without those before it, so a killed run resumes with the same batches that it
would have seen.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from train.data.augment import augment
from train.data.hospitals import balanced_weights, epoch_rows
from train.data.loading import LoadedFilms
from train.data.split import series_and_number
from train.keras import tf
from train.training.recipe import RECIPES, SHIPPED, Recipe

MIXUP_SEED = 7  # added to a step's seed, so that mixing is independent of augmentation


@dataclass(frozen=True)
class BatchOptions:
    """How films become batches."""

    side_px: int
    """Of the model's input."""
    batch_size: int
    """Films per step, 1 or more."""
    epochs: int
    """1 or more."""
    seed: int
    """Of the order and the augmentation."""
    steps: int = 0
    """Per epoch; 0 for as many full batches as there are films."""
    recipe: Recipe = RECIPES[SHIPPED]


def steps_per_epoch(films: LoadedFilms, options: BatchOptions) -> int:
    """Full batches per epoch; leftover films go into the next epoch."""
    return options.steps or max(1, len(films.pixels) // options.batch_size)


def training_batches(
    films: LoadedFilms, context: np.ndarray, targets: np.ndarray, options: BatchOptions, first_step: int = 0
) -> Any:
    """Batches of (films float32 (batch, side, side, 1), targets (batch, classes), weights (batch,)).

    Args:
        context: uint8 (films, wide, wide), from `train.data.whole_films.with_context`.
        targets: float32 (films, classes), one-hot or softened by teachers.
        first_step: steps already done, of a resumed run.
    Returns:
        A tf.data.Dataset that ends after the last epoch.
    """
    steps, recipe = steps_per_epoch(films, options), options.recipe
    rows_of = [_epoch_order(films, options, epoch) for epoch in range(options.epochs)]
    order = tf.constant(np.concatenate([np.zeros((0, options.batch_size), np.int32), *rows_of]))
    all_targets = tf.constant(targets)
    weights = tf.constant(film_weights(films, targets.shape[1], recipe))

    def batch(step: Any) -> Any:
        rows, seed = order[step], tf.stack([options.seed, step])
        read = tf.numpy_function(context.__getitem__, [rows], tf.uint8, stateful=False)  # from the disk
        pixels = tf.cast(tf.ensure_shape(read, (options.batch_size, *context.shape[1:])), tf.float32)
        drawn = augment(pixels, recipe.augmentation, seed, options.side_px)
        made = drawn[..., None], tf.gather(all_targets, rows), tf.gather(weights, rows)
        return mixed(*made, recipe.mixup, seed) if recipe.mixup else made

    counter = tf.data.Dataset.range(first_step, steps * options.epochs, output_type=tf.int32)
    return counter.map(batch, num_parallel_calls=2, deterministic=True).prefetch(2)


def mixed(films: Any, targets: Any, weights: Any, alpha: float, seed: Any) -> Any:
    """Mix each film with the next one of its batch, and their targets and weights alike (mixup)."""
    seeds = [tf.random.experimental.stateless_fold_in(seed, MIXUP_SEED + number) for number in range(2)]
    first, second = (tf.random.stateless_gamma(tf.shape(weights), each, alpha) for each in seeds)
    share = tf.maximum(first, second) / (first + second)  # at least half is the film itself

    def blend(values: Any) -> Any:
        own = tf.reshape(share, [-1] + [1] * (len(values.shape) - 1))
        return own * values + (1 - own) * tf.roll(values, 1, axis=0)

    return blend(films), blend(targets), blend(weights)


def film_weights(films: LoadedFilms, class_count: int, recipe: Recipe) -> np.ndarray:
    """The weight of each film in the loss, float32 (films,)."""
    if not recipe.weigh_classes:
        return np.ones(len(films.pixels), np.float32)
    if recipe.weigh_series:
        series = np.array([series_and_number(film.patient)[0] for film in films.films])
        return series_weights(series, films.classes)
    return balanced_weights(films.sites, films.classes, class_count)


def series_weights(series: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Weights float32 (films,), mean 1: every class counts the same, and so does every series in a class.

    Args:
        series: name of each film's series, (films,).
        classes: class number of each film, (films,).
    """
    by_class = balanced_weights(np.zeros(len(classes)), classes, int(classes.max()) + 1)
    names, numbers = np.unique(series, return_inverse=True)
    return by_class * balanced_weights(classes, numbers, len(names))


def one_hot(classes: np.ndarray, class_count: int) -> np.ndarray:
    """Targets float32 (films, classes) from class numbers (films,)."""
    return np.eye(class_count, dtype=np.float32)[classes]


def _epoch_order(films: LoadedFilms, options: BatchOptions, epoch: int) -> np.ndarray:
    """Row numbers int32 (steps, batch) of one epoch."""
    shuffled = epoch_rows(films.sites, np.random.default_rng([options.seed, epoch]))
    steps, size = steps_per_epoch(films, options), options.batch_size
    return np.resize(shuffled, steps * size).reshape(steps, size).astype(np.int32)
