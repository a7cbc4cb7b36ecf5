"""Quantization-aware training: the network learns to tolerate int8 rounding before the export.

The float model is the teacher: the quantized one learns to give its logits, on freshly augmented
training films. Batch norm keeps the float model's statistics, so the trained weights are the ones
that the converter folds. Dropout is off, because the teacher predicts without it.
"""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from convert.formats.export import representative
from convert.formats.qat_state import Progress, QatCheckpoint, fingerprint
from convert.options import QatOptions
from edge_app.errors import GateError
from train.data.loading import LoadedFilms
from train.evaluation.evaluation_sets import EvaluationSet
from train.keras import keras, tf
from train.networks.blocks import SpaceToDepth
from train.networks.inference import BATCH, predict
from train.training.batches import BatchOptions, one_hot, steps_per_epoch, training_batches

LOG = logging.getLogger(__name__)
CHECKPOINT = "qat-checkpoint.npz"
LOWEST_PIXEL, HIGHEST_PIXEL = 0.0, 255.0


def quantization_aware(model: Any, pixels: np.ndarray) -> Any:
    """Wrap a float model with int8 rounding.

    The input's range is fixed to 0..255, so 8-bit pixels are quantized without loss. Every other range starts
    at what the float model gives on representative films. The default of -6..6 would take thousands of steps to
    settle.

    Args:
        pixels: uint8 (films, side, side), training films.
    """
    import tensorflow_model_optimization as tfmot
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import default_8bit_quantize_configs

    keras_api, exact = tfmot.quantization.keras, default_8bit_quantize_configs.NoOpQuantizeConfig()

    def annotated(layer: Any) -> Any:
        # It moves pixels and computes nothing, and tfmot does not know it.
        rearranges = isinstance(layer, SpaceToDepth)
        return keras_api.quantize_annotate_layer(layer, exact) if rearranges else layer

    marked = keras.models.clone_model(model, clone_function=annotated)
    marked.set_weights(model.get_weights())
    try:
        with keras_api.quantize_scope({"SpaceToDepth": SpaceToDepth, "NoOpQuantizeConfig": type(exact)}):
            wrapped = keras_api.quantize_apply(keras_api.quantize_annotate_model(marked))
    except (RuntimeError, ValueError) as cause:
        raise GateError(
            f"quantization-aware training cannot take this network: {cause}: build it of other layers, or convert --ptq"
        ) from cause
    ranges = activation_ranges(model, pixels)
    for layer in wrapped.layers:
        if isinstance(getattr(layer, "layer", None), keras.layers.BatchNormalization):
            layer.layer.trainable = False
        if isinstance(getattr(layer, "layer", None), keras.layers.Dropout):
            layer.layer.rate = 0
        if layer.name == "quantize_layer":
            _set_range(layer, LOWEST_PIXEL, HIGHEST_PIXEL)
        elif layer.name.removeprefix("quant_") in ranges:
            _set_range(layer, *ranges[layer.name.removeprefix("quant_")])
    # One step in training mode sets the ranges of the kernels.
    wrapped(representative(pixels)[:BATCH, ..., None].astype(np.float32), training=True)
    return wrapped


def activation_ranges(model: Any, pixels: np.ndarray) -> dict[str, tuple[float, float]]:
    """Lowest and highest output of every layer, by the layer's name, on representative films."""
    layers = [layer for layer in model.layers if layer.name not in model.input_names]
    probe = keras.Model(model.inputs, [layer.output for layer in layers])
    films = representative(pixels)[..., None].astype(np.float32)
    outputs = [probe(films[start : start + BATCH], training=False) for start in range(0, len(films), BATCH)]
    return {
        layer.name: (
            min(float(tf.reduce_min(output[index])) for output in outputs),
            max(float(tf.reduce_max(output[index])) for output in outputs),
        )
        for index, layer in enumerate(layers)
    }


def _set_range(layer: Any, low: float, high: float) -> None:
    """Set the range of a layer's output, not of its kernel; zero must lie in it, for padding."""
    for variable in layer.weights:
        if variable.name.endswith("_min:0") and "kernel" not in variable.name:
            variable.assign(min(low, 0.0))
        elif variable.name.endswith("_max:0") and "kernel" not in variable.name:
            variable.assign(max(high, 0.0))


@dataclass(frozen=True)
class QatFilms:
    """What quantization-aware training is given.

    `context` is uint8 (training films, wide, wide). On `selection_set` the best epoch is chosen: the
    one nearest to the teacher.
    """

    training: LoadedFilms
    context: np.ndarray
    selection_set: EvaluationSet


def tune(teacher: Any, films: QatFilms, options: QatOptions, folder: Path) -> Any:
    """Quantization-aware training against the float model.

    It switches TensorFlow's op determinism on for the whole process, which slows and changes every
    training that follows.

    Args:
        teacher: the float Keras model; it is not changed.
        folder: holds the state of the training after each epoch, for `options.resume`.
    Returns:
        The quantized model of the best epoch.
    Raises:
        DataError: the state to resume is of another model, other films or other options.
    """
    # Same seed, same bytes: without this, threads add up gradients in any order.
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)
    training, selection_set = films.training, films.selection_set
    student = quantization_aware(teacher, training.pixels)
    batching = BatchOptions(teacher.input_shape[1], options.batch_size, options.epochs, options.seed)
    steps = steps_per_epoch(training, batching)
    schedule = keras.optimizers.schedules.CosineDecay(options.learning_rate, max(1, options.epochs * steps))
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(student.trainable_variables)
    step = _training_step(teacher, student, optimizer)
    wanted = predict(teacher, selection_set.pixels)["logits"]
    checkpoint = QatCheckpoint(folder / CHECKPOINT, fingerprint(teacher, training, options))
    progress = checkpoint.read(student, optimizer) if options.resume else None
    progress = progress or Progress([logit_error(wanted, student, selection_set.pixels)], student.get_weights())
    labels = one_hot(training.classes, teacher.output_shape[0][-1])
    batches = iter(training_batches(training, films.context, labels, batching, first_step=progress.epochs * steps))
    bar = tqdm(
        total=options.epochs * steps,
        initial=progress.epochs * steps,
        desc="qat",
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
    )
    while progress.epochs < options.epochs and not progress.stalled(options.patience):
        for _ in range(steps):
            step(next(batches)[0])
            bar.update(1)
        progress.add(logit_error(wanted, student, selection_set.pixels), student.get_weights())
        checkpoint.write(progress, student, optimizer)
        LOG.info("qat epoch %d: logit error %.4f", progress.epochs, progress.errors[-1])
    bar.close()
    student.set_weights(progress.best)
    return student


def logit_error(wanted: np.ndarray, student: Any, pixels: np.ndarray) -> float:
    """Root mean square difference between the student's logits and the target logits, (films, classes)."""
    batches = [pixels[start : start + BATCH, ..., None] for start in range(0, len(pixels), BATCH)]
    given = np.concatenate([student(tf.cast(batch, tf.float32), training=False)[0].numpy() for batch in batches])
    return float(np.sqrt(np.mean((given - wanted) ** 2)))


def _training_step(teacher: Any, student: Any, optimizer: Any) -> Any:
    @tf.function
    def step(drawn: Any) -> None:
        wanted = teacher(drawn, training=False)[0]
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((student(drawn, training=True)[0] - wanted) ** 2)
        gradients = tape.gradient(loss, student.trainable_variables)
        optimizer.apply_gradients(zip(gradients, student.trainable_variables, strict=True))

    return step
