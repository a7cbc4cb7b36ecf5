"""The networks by the name that `--arch` takes. Each builder says where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge_app.errors import DataError
from train.networks.cnn import build_cnn
from train.networks.compact import build_compact, build_wider
from train.networks.dense import build_dense_baseline, build_mlp
from train.networks.densenet201 import build_densenet201
from train.networks.efficientnet_lite0 import build_efficientnet_lite0


@dataclass(frozen=True)
class Architecture:
    """`build(input_size_px, classes)` gives a Keras model with outputs logits, class_map, features."""

    build: Callable[[int, int], Any]
    input_size_px: int
    source: str
    epochs: int = 100  # at most
    learning_rate: float = 2e-3  # at its highest
    batch_size: int = 64
    steps_per_epoch: int = 0  # 0: as many full batches as there are films
    pretrained: bool = False  # meant to start from weights learned elsewhere
    qat: bool = False  # its int8 file comes from quantization-aware training
    outside_xnnpack: tuple[str, ...] = ()  # operators of its int8 file that XNNPACK does not take


ARCHITECTURES = {
    "compact": Architecture(
        build_compact, 128, "this kit: residual 3x3 convolutions, fully convolutional head", epochs=80, qat=True
    ),
    "compact-160": Architecture(build_wider, 160, "this kit: compact as it was in 0.1, for larger films"),
    "dense-baseline": Architecture(
        build_dense_baseline,
        64,
        "one of the systems before this kit: a simple network of a few hidden layers",
        epochs=30,
        learning_rate=1e-3,
    ),
    "mlp": Architecture(
        build_mlp,
        96,
        "one of the systems before this kit: flatten and five dense layers",
        epochs=30,
        learning_rate=1e-3,
    ),
    "cnn": Architecture(
        build_cnn,
        156,
        "one of the systems before this kit: convolution and max-pooling with a dense head, 156 px",
        epochs=30,
        learning_rate=1e-3,
    ),
    "cnn-100x50": Architecture(
        build_cnn,
        156,
        "one of the systems before this kit: such a network at 50 epochs of 100 steps",
        epochs=50,
        learning_rate=1e-3,
        batch_size=32,
        steps_per_epoch=100,
    ),
    "densenet201": Architecture(
        build_densenet201,
        96,
        "Huang et al., arXiv:1608.06993, by keras.applications; one of the systems before this kit fine-tuned it",
        epochs=8,
        learning_rate=5e-4,
        batch_size=32,
        pretrained=True,
        outside_xnnpack=("AVERAGE_POOL_2D",),
    ),
    "efficientnet-lite0": Architecture(
        build_efficientnet_lite0,
        160,
        "Tan and Le, arXiv:1905.11946, in its int8 variant (TensorFlow TPU models, efficientnet/lite)",
        epochs=12,
        learning_rate=3e-4,
        pretrained=True,
    ),
}


def find_architecture(name: str) -> Architecture:
    """Look up `--arch`.

    Raises:
        DataError: there is no such network.
    """
    if name not in ARCHITECTURES:
        raise DataError(f"there is no network {name!r}; the kit has {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
