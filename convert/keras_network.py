"""Any Keras image classifier as a model of the kit: a gray film of 0..255 in, logits out.

Its graph is frozen and cut before its softmax, so it does not matter which Keras wrote the file. In front of it
goes one convolution of one pixel, which makes the network's colours and scale from gray: the device prepares films
for every model alike.
"""

import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from convert.options import SCALES, NetworkOptions
from edge_app.errors import DataError
from train.keras import keras, tf

SIDES_PX = range(16, 1025)  # what a card allows
CHANNELS = {"gray": 1, "rgb": 3}
OWN_CLASS = re.compile(r'"module": "((?!keras|tf_keras|builtins)[^"]+)", "class_name": "([^"]+)"')


class KerasNetwork(tf.Module):
    """Called as a model that `train fit` made, but its only output is the logits."""

    output_names = ("logits",)

    def __init__(self, logits: Any, side_px: int, gain: np.ndarray, offset: np.ndarray) -> None:
        """Put the conversion of gray levels in front of a network.

        Args:
            logits: a function of float32 (films, side_px, side_px, channels).
            gain, offset: float32 (channels,): each channel is gain * gray + offset.
        """
        super().__init__()
        self.input_shape = (None, side_px, side_px, 1)
        self._logits, self._kernel, self._offset = logits, gain[None, None, None], offset
        self._takes_gray = gain.tolist() == [1.0] and not offset.any()

    def __call__(self, film: Any, training: bool = False) -> list[Any]:  # noqa: ARG002  # as a Keras model is called
        """Logits of float32 (films, side_px, side_px, 1)."""
        if not self._takes_gray:
            film = tf.nn.conv2d(film, self._kernel, 1, "VALID") + self._offset
        return [self._logits(film)]


def read_network(path: Path, options: NetworkOptions) -> KerasNetwork:
    """Read a `.keras` or `.h5` file of Keras 2 or 3, or the folder of a SavedModel.

    Raises:
        DataError: it cannot be read, or is not a network of one square image and one output of as many classes as
            there are labels.
    """
    frozen = _frozen(path)
    if len(frozen.inputs) != 1 or len(frozen.outputs) != 1:
        raise DataError(
            f"{path} has {len(frozen.inputs)} inputs and {len(frozen.outputs)} outputs, expected one image and one "
            "output of class scores: save the part that classifies"
        )
    side_px, gain, offset = _input(path, frozen.inputs[0], options)
    logits, classes = _logits(frozen)
    if classes != len(options.labels):
        raise DataError(f"{path} has {classes} outputs, --labels {len(options.labels)}: name each class once")
    return KerasNetwork(logits, side_px, gain, offset)


def check_logits(logits: np.ndarray, path: Path) -> None:
    """Refuse probabilities that could not be turned back into logits.

    Args:
        logits: float32 (films, classes), what the network gives on films.
    """
    if not np.isfinite(logits).all():
        raise DataError(f"{path} gives no numbers on these films: check --scale, or train it again")
    if (logits >= 0).all() and np.allclose(logits.sum(axis=1), 1, atol=1e-3):
        raise DataError(
            f"{path} gives probabilities, and its last operator is no softmax: end it in a softmax or in logits"
        )


def _frozen(path: Path) -> Any:
    """The network as a function of a batch of images, its weights as constants."""
    try:
        if path.is_dir():
            model = tf.saved_model.load(str(path))  # has to live until its variables are read
            return convert_variables_to_constants_v2(model.signatures["serving_default"])
        model = _keras_that_wrote(path).models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as cause:
        reason = (str(cause).splitlines() or [repr(cause)])[0]
        raise DataError(f"{path} is no Keras model that can be read here: {reason}") from cause
    if len(getattr(model, "inputs", None) or ()) != 1:
        raise DataError(f"{path} is not a network of one image: save a functional or Sequential model with one input")
    (image,) = model.inputs
    function = tf.function(lambda images: model(images, training=False))
    batch = tf.TensorSpec((None, *image.shape[1:]), image.dtype)
    return convert_variables_to_constants_v2(function.get_concrete_function(batch))


def _keras_that_wrote(path: Path) -> Any:
    """Keras 3, or tf_keras for a file of Keras 2: each reads only its own."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            version = json.loads(archive.read("metadata.json"))["keras_version"]
            if own := sorted(set(OWN_CLASS.findall(archive.read("config.json").decode()))):
                names = ", ".join(f"{name} of {module}" for module, name in own)
                raise ValueError(f"it uses {names}, which Keras does not have: save it as a SavedModel (model.export)")
    else:
        import h5py

        with h5py.File(path) as file:
            version = str(file.attrs.get("keras_version", "2"))
    if version.startswith("2"):
        return keras
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras as keras3

    return keras3


def _input(path: Path, image: Any, options: NetworkOptions) -> tuple[int, np.ndarray, np.ndarray]:
    """Side of the network's image, and what makes its channels from gray."""
    batch, *shape = image.shape
    channels: Any = shape[-1] if shape else None
    wanted = CHANNELS.get(options.channels, channels)
    if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in SIDES_PX or channels not in CHANNELS.values():
        raise DataError(
            f"the image of {path} is {tuple(shape)}, expected (N, N, 1) or (N, N, 3) with N from {SIDES_PX[0]} to "
            f"{SIDES_PX[-1]}: save it with a fixed input shape"
        )
    if batch is not None or image.dtype != tf.float32:
        raise DataError(
            f"the image of {path} is {image.dtype.name} in batches of {batch}: save it for float32, any batch"
        )
    if channels != wanted:
        raise DataError(f"{path} takes {channels} channels, --input says {options.channels}")
    gain, offset = (np.array(values, dtype=np.float32) for values in SCALES[options.scale])
    if len(gain) not in (1, channels):
        raise DataError(f"--scale {options.scale} is for colours, and {path} takes gray")
    return shape[0], np.resize(gain, (channels,)), np.resize(offset, (channels,))


def _logits(frozen: Any) -> tuple[Any, int]:
    """The network up to its softmax, and how many classes it has; a single sigmoid counts as two."""
    operator = frozen.outputs[0].op
    while operator.type == "Identity":
        operator = operator.inputs[0].op
    end = operator.inputs[0] if operator.type in ("Softmax", "Sigmoid") else operator.outputs[0]
    cut, classes = frozen.prune(frozen.inputs, end), end.shape[-1] if len(end.shape) == 2 else 0
    if operator.type != "Sigmoid":
        return cut, classes
    if classes != 1:
        raise DataError(f"the network has {classes} sigmoids, which is a yes or no per class: expected a softmax")
    # Two logits whose difference is the one: the same probabilities by softmax.
    return lambda images: tf.matmul(cut(images), np.array([[-0.5, 0.5]], np.float32)), 2
