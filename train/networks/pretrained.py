"""Weights that a network starts from: made once by `train weights`, read by `fit --weights`.

A file is a NumPy `.npz` of "layer/variable" to array. The layers that give the logits are always trained from scratch.
"""

import io
import logging
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError
from edge_app.system.files import write_atomically
from train.networks.architecture import Architecture, Weights

ALWAYS_NEW = ("class_map", "logits")
RANDOM, IMAGENET = "random", "ImageNet"
LOG = logging.getLogger(__name__)


def write_weights(path: Path, weights: Weights) -> None:
    """Write a file for `fit --weights`, atomically."""
    content = io.BytesIO()
    np.savez(content, **weights)
    write_atomically(path, content.getvalue())


def read_weights(path: Path) -> Weights:
    """Read such a file.

    Raises:
        DataError: it is missing, damaged, or another kind of file.
    """
    try:
        # Through memory, because numpy leaves a file open that it cannot read.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileNotFoundError as cause:
        raise DataError(f"no weights at {path}: python -m train weights ARCH --out {path} makes them") from cause
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as cause:
        raise DataError(f"{path} is not a file of train weights: {cause}") from cause


def variables_of(model: Any) -> dict[str, Any]:
    """A model's variables by the names that files of weights use, "layer/variable"."""
    return {
        f"{layer.name}/{variable.name.split('/')[-1].split(':')[0]}": variable
        for layer in model.layers
        for variable in layer.weights
    }


def for_gray_pixels(
    weights: Weights, convolution: str, norm: str, mean: float | np.ndarray, deviation: float | np.ndarray, scale: float
) -> Weights:
    """The stem for unscaled gray pixels g, of a network for colours that are (g - mean) / deviation.

    Args:
        weights: those of the network; kernels (height, width, 3, channels).
        convolution, norm: the names of the stem's two layers.
        mean, deviation: of all colours, or of each, float (3,).
        scale: by how much kernels grow, so that they keep about the size at which they were trained. The epsilon
            of the batch norm must grow by its square.
    """
    by_colour = weights[f"{convolution}/kernel"] / np.broadcast_to(deviation, 3)[:, None]
    shift = (by_colour * np.broadcast_to(mean, 3)[:, None]).sum(axis=(0, 1, 2))
    stem = {
        f"{convolution}/kernel": scale * by_colour.sum(axis=2, keepdims=True),
        f"{norm}/moving_mean": scale * (weights[f"{norm}/moving_mean"] + shift),
        f"{norm}/moving_variance": scale**2 * weights[f"{norm}/moving_variance"],
    }
    return {name: values.astype(np.float32) for name, values in stem.items()}


def start_from(model: Any, weights: Weights) -> None:
    """Give a model the weights of a file, except for the class map.

    Raises:
        DataError: a weight is missing or of another shape, so the file is another network's.
    """
    wanted = {name: one for name, one in variables_of(model).items() if name.split("/")[0] not in ALWAYS_NEW}
    for name, variable in wanted.items():
        if name not in weights or weights[name].shape != tuple(variable.shape):
            got = weights[name].shape if name in weights else "none"
            raise DataError(
                f"the weights are not of {model.name}: {name} is {got}, expected {tuple(variable.shape)}: "
                "give --weights the file that train weights made for this network"
            )
    for name, variable in wanted.items():
        variable.assign(weights[name])


def start(model: Any, name: str, architecture: Architecture, path: Path | None) -> str:
    """Give a new model its first weights, or warn that a network meant for fine-tuning has none.

    Args:
        name: of the network, as `--arch` takes it.
        path: of `--weights`.
    Returns:
        Where the weights come from: `random`, `ImageNet`, or the name of the file.
    Raises:
        DataError: the file is missing or of another network.
    """
    if path:
        start_from(model, read_weights(path))
        return path.name
    if not architecture.published_weights:
        return RANDOM
    try:
        start_from(model, architecture.published_weights(None))
    except DataError as fault:
        LOG.warning("%s", fault)
        LOG.warning(
            "WARNING: %s starts from RANDOM weights and will score far below a pretrained one: run python -m train "
            "weights %s --out FILE on a machine that can get them, then fit --weights FILE",
            name,
            name,
        )
        return RANDOM
    return IMAGENET
