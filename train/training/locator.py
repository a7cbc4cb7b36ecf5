"""Training the lung locator, from films and masks to a finished run folder."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError
from edge_app.imaging.lung_field import RAMP, TAIL_DIVISOR
from edge_app.system.files import sha256_of, write_atomically
from edge_app.system.result_folder import claim
from train.data.lung_masks import MaskedFilms, load_lung_masks
from train.data.lungs.draws import CELL_PX, draw_batch
from train.data.lungs.geometry import CLOSING, LocatorRanges
from train.data.sources import find_data
from train.evaluation.lung_fields import film_views, mask_figures, measure
from train.keras import keras, tf
from train.networks.locator import build_locator, locator_logits
from train.networks.saving import save_model
from train.training.callbacks import ProgressBar, WeightAverage
from train.training.checkpoint import HISTORY
from train.training.plan import Schedule

LOG = logging.getLogger(__name__)

MODEL, FIGURES = "model.keras", "locator.json"
CHECKPOINT = "unfinished.keras"  # the averaged model as it stood at the last look
WARMUP_STEPS = 100
ENDS_WEIGHT = 4.0  # an end off by 1% of the side costs as much as 4% of Dice


@dataclass(frozen=True)
class LocatorOptions:
    """Options of `train locator`."""

    out: Path
    data: str | None  # a folder of films
    masks: Path  # the folder of their masks
    steps: int = 24000  # batches; at least 1
    seed: int = 0  # of weights and of everything that is drawn
    input_size_px: int = 96  # side of the locator's input; a multiple of 16
    batch_size: int = 32  # pictures
    learning_rate: float = 3e-3  # at its highest
    weight_decay: float = 0.005
    averaging: float = 0.998  # decay of the running average of the weights, 0 to 1
    history_steps: int = 1000  # between two looks at the held-out masks; they choose nothing
    ranges: LocatorRanges = field(default_factory=LocatorRanges)
    closing: float = 0.5  # the last part of the steps, 0 to 1, which draws from these ranges instead:
    closing_ranges: LocatorRanges = CLOSING
    overwrite: bool = False  # replace what `out` holds


def train_locator(options: LocatorOptions) -> dict[str, Any]:
    """Train, measure, and write the run folder.

    Returns:
        The figures that are written to `locator.json`.
    Raises:
        DataError: films or masks are missing or unfit, or `out` holds something.
    """
    if options.steps < 1:
        raise DataError(f"--steps is {options.steps}, expected at least 1")
    claim(options.out, options.overwrite)
    options.out.mkdir(parents=True, exist_ok=True)
    data = find_data(options.data)
    films = load_lung_masks(data, options.masks)
    started = time.monotonic()
    model, history = fit_locator(options, films.training, films.held_out)
    seconds = time.monotonic() - started
    LOG.info("trained in %.0f s; measuring", seconds)
    views = film_views(films.all_films, options.input_size_px)
    (options.out / FIGURES).unlink(missing_ok=True)  # figures never describe another model
    save_model(model, options.out / MODEL)
    figures = {
        "data": data.name,
        "data_attribution": data.attribution,
        "manifest_sha256": films.manifest.sha256,
        "masks_sha256": films.masks_sha256,
        "model_sha256": sha256_of((options.out / MODEL).read_bytes()),
        "training_films": len(films.training.films),
        "held_out_films": len(films.held_out.films),
        "parameters": model.count_params(),
        "training_seconds": round(seconds),
        "options": {name: value for name, value in asdict(options).items() if name not in ("out", "data", "masks")},
        "float": measure(partial(locator_logits, model), films, views, data.negative),
    }
    (options.out / CHECKPOINT).unlink()
    write_atomically(options.out / HISTORY, json.dumps(history, indent=1).encode())
    write_atomically(options.out / FIGURES, (json.dumps(figures, indent=1) + "\n").encode())
    return figures


def read_locator_run(model_path: Path) -> tuple[Any, dict[str, Any]]:
    """A trained locator and its figures.

    Raises:
        DataError: one of the two files is missing or damaged, or they are of two locators.
    """
    try:
        figures = json.loads(model_path.with_name(FIGURES).read_text(encoding="utf-8"))
        model, recorded = keras.models.load_model(model_path, compile=False), figures["model_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DataError(f"{model_path} is not a finished locator: {cause}: run train locator first") from cause
    if recorded != sha256_of(model_path.read_bytes()):
        raise DataError(
            f"{model_path} is not the locator that the {FIGURES} beside it describes: run train locator again"
        )
    return model, figures


def fit_locator(
    options: LocatorOptions, training: MaskedFilms, held_out: MaskedFilms
) -> tuple[Any, list[dict[str, float]]]:
    """The training loop; returns the model with averaged weights, and the history."""
    keras.utils.set_random_seed(options.seed)
    model, average = build_locator(options.input_size_px), build_locator(options.input_size_px)
    average.set_weights(model.get_weights())
    epochs = max(1, options.steps // options.history_steps)
    schedule = Schedule(
        epochs=epochs,
        batch_size=options.batch_size,
        steps_per_epoch=options.steps // epochs,
        learning_rate=options.learning_rate,
        patience=epochs,  # it trains to the end
        warmup_steps=min(WARMUP_STEPS, options.steps // 2),
        weight_decay=options.weight_decay,
    )
    model.compile(optimizer=schedule.optimizer(options.steps), loss=mask_loss)
    recorder = _Recorder(average, held_out, options)
    model.fit(
        _batches(training, options),
        epochs=schedule.epochs,
        steps_per_epoch=schedule.steps_per_epoch,
        verbose=0,
        callbacks=[WeightAverage(average, options.averaging), ProgressBar(options.steps, 0), recorder],
    )
    return average, recorder.history


def mask_loss(coverage: Any, logits: Any) -> Any:
    """Cross-entropy of each cell, and where there are lungs 1 - Dice and the error of the box's ends.

    (Dice as a loss: Milletari et al., arXiv:1606.04797.)

    Args:
        coverage: float32 (pictures, rows, columns, 1), 0 to 1.
        logits: of the same shape.
    """
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(coverage, logits), axis=[1, 2, 3])
    lung = tf.sigmoid(logits)
    both = tf.reduce_sum(coverage * lung, axis=[1, 2, 3])
    total = tf.reduce_sum(coverage + lung, axis=[1, 2, 3])
    has_lungs = tf.cast(tf.reduce_sum(coverage, axis=[1, 2, 3]) > 0, tf.float32)
    return entropy + has_lungs * (1 - 2 * both / (total + 1e-6) + ENDS_WEIGHT * ends_error(coverage, logits))


def ends_error(coverage: Any, logits: Any) -> Any:
    """Mean distance of the lungs' ends from the mask's, as a fraction of the film's side, for each picture.

    The ends are those of `edge_app.imaging.lung_field`: mean places of the outermost 1 / TAIL_DIVISOR of
    the area, here in float, so that training sees what moves the box.
    """
    given = tf.clip_by_value(logits / (2 * RAMP) + 0.5, 0.0, 1.0)
    errors = [
        tf.abs(_end(tf.reduce_sum(given, axis=[axis, 3]), back) - _end(tf.reduce_sum(coverage, axis=[axis, 3]), back))
        for axis in (1, 2)
        for back in (False, True)
    ]
    return tf.add_n(errors) / len(errors)


def _end(profile: Any, back: bool) -> Any:
    """Mean place of the first, or last, part of profiles (pictures, cells); 0 to 1 from that end."""
    profile = tf.reverse(profile, axis=[1]) if back else profile
    profile = (profile + 1e-6) / tf.reduce_sum(profile + 1e-6, axis=1, keepdims=True)
    taken = tf.clip_by_value(1 / TAIL_DIVISOR - tf.cumsum(profile, axis=1, exclusive=True), 0.0, profile)
    place = tf.range(profile.shape[1], dtype=tf.float32) + taken / (2 * profile)
    return tf.reduce_sum(taken * place, axis=1) * TAIL_DIVISOR / profile.shape[1]


def _batches(films: MaskedFilms, options: LocatorOptions) -> Any:
    """Pictures float32 (batch, side, side, 1) and coverages; step by step a function of the seed."""

    def drawn(step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ranges = options.closing_ranges if step >= closing_step else options.ranges
        batch = draw_batch(films, ranges, options.input_size_px, options.batch_size, (options.seed, int(step)))
        return batch.pixels[..., None].astype(np.float32), batch.coverage[..., None]

    def shaped(step: Any) -> tuple[Any, Any]:
        pixels, coverage = tf.numpy_function(drawn, [step], (tf.float32, tf.float32))
        return tf.ensure_shape(pixels, (None, *shape)), tf.ensure_shape(coverage, (None, cells, cells, 1))

    shape, cells = (options.input_size_px, options.input_size_px, 1), options.input_size_px // CELL_PX
    closing_step = round(options.steps * (1 - options.closing))
    return tf.data.Dataset.range(options.steps).map(shaped, num_parallel_calls=2).prefetch(8)


class _Recorder(keras.callbacks.Callback):
    """Writes down, after each part of the run, how the averaged model does on the held-out masks."""

    def __init__(self, average: Any, held_out: MaskedFilms, options: LocatorOptions) -> None:
        super().__init__()
        self.history: list[dict[str, float]] = []
        self._average = average
        self._folder = options.out
        self._figures: Callable[[], dict[str, float]] = lambda: mask_figures(
            partial(locator_logits, average), options.input_size_px, held_out
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save, measure, note and log."""
        save_model(self._average, self._folder / CHECKPOINT)
        row = {"part": float(epoch + 1), "loss": float((logs or {}).get("loss", np.nan)), **self._figures()}
        self.history.append(row)
        LOG.info("part %d: %s", epoch + 1, "  ".join(f"{name} {value:.4f}" for name, value in row.items()))
