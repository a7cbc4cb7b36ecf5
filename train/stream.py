"""The stream of training batches: a pure function of films, seed and step.

Any step can be made without those before it, so a killed run resumes with the very batches that
it would have seen.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from train.augment import TRAINING, augment
from train.inputs import LoadedFilms
from train.keras import tf


@dataclass(frozen=True)
class StreamOptions:
    """How films become batches."""

    batch_size: int
    epochs: int
    seed: int
    steps: int = 0  # in an epoch; 0 for as many full batches as there are films


def steps_per_epoch(films: LoadedFilms, options: StreamOptions) -> int:
    """Full batches in an epoch; a rest smaller than a batch waits for another epoch's order."""
    return options.steps or max(1, len(films.pixels) // options.batch_size)


def training_stream(films: LoadedFilms, class_count: int, options: StreamOptions, first_step: int = 0) -> Any:
    """Batches of (films float32 (batch, side, side, 1), one-hot classes, weights of the films).

    Args:
        first_step: where to start; a resumed run gives the number of steps done.
    Returns:
        A tf.data.Dataset that ends after the last epoch.
    """
    steps = steps_per_epoch(films, options)
    order = tf.constant(np.concatenate([_epoch_order(films, options, epoch) for epoch in range(options.epochs)]))
    pixels, classes = tf.constant(films.pixels), tf.constant(films.classes)
    weights = tf.constant(class_weights(films.classes, class_count))

    def batch(step: Any) -> Any:
        rows = order[step]
        drawn = augment(tf.cast(tf.gather(pixels, rows), tf.float32), TRAINING, tf.stack([options.seed, step]))
        kinds = tf.gather(classes, rows)
        return drawn[..., None], tf.one_hot(kinds, class_count), tf.gather(weights, kinds)

    counter = tf.data.Dataset.range(first_step, steps * options.epochs, output_type=tf.int32)
    return counter.map(batch, num_parallel_calls=2, deterministic=True).prefetch(2)


def class_weights(classes: np.ndarray, class_count: int) -> np.ndarray:
    """Weights float32 (classes,) with which every class counts the same; their mean over films is 1."""
    counts = np.bincount(classes, minlength=class_count)
    return (len(classes) / class_count / counts).astype(np.float32)


def _epoch_order(films: LoadedFilms, options: StreamOptions, epoch: int) -> np.ndarray:
    """Row numbers int32 (steps, batch) of one epoch."""
    shuffled = np.random.default_rng([options.seed, epoch]).permutation(len(films.pixels))
    steps, size = steps_per_epoch(films, options), options.batch_size
    return np.resize(shuffled, steps * size).reshape(steps, size).astype(np.int32)
