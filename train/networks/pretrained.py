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


def start_from(model: Any, weights: Weights) -> None:
    """Give a model the weights of a file, except for the class map.

    Raises:
        DataError: a weight is missing or of another shape, so the file is another network's.
    """
    found: list[tuple[Any, np.ndarray]] = []
    for layer in model.layers:
        if layer.name in ALWAYS_NEW:
            continue
        for variable in layer.weights:
            name = f"{layer.name}/{variable.name.split('/')[-1].split(':')[0]}"
            if name not in weights or weights[name].shape != tuple(variable.shape):
                got = weights[name].shape if name in weights else "none"
                raise DataError(
                    f"the weights are not of {model.name}: {name} is {got}, expected {tuple(variable.shape)}: "
                    "give --weights the file that train weights made for this network"
                )
            found.append((variable, weights[name]))
    for variable, value in found:
        variable.assign(value)


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
