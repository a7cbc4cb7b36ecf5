"""The locator: the whole film in, where the lungs are out. A small U-Net (arXiv:1505.04597).

Every operator of its int8 file runs in XNNPACK: convolutions, bilinear upsampling, additions in
place of concatenations, and a last rearrangement of channels into cells.
"""

from typing import Any

import numpy as np

from edge_app.errors import DataError
from train.data.lungs.draws import CELL_PX
from train.keras import keras, tf
from train.networks.blocks import bottleneck, convolution

layers = keras.layers
STRIDE_PX = 16  # the input's side is a multiple of this
STEM_CHANNELS = 16
CHANNELS = (32, 48, 64)  # at a quarter, an eighth and a sixteenth of the input's side
INNER = (16, 32, 32)  # inside the bottlenecks there
DEPTH = 2  # bottlenecks at the lowest resolution
BATCH = 128  # films at a time, when it runs over many


def build_locator(input_size_px: int) -> Any:
    """Build the network.

    Args:
        input_size_px: side N of the input (1, N, N, 1), gray levels 0..255; a multiple of STRIDE_PX.
    Returns:
        A Keras model with the output `logits`, (1, N / CELL_PX, N / CELL_PX, 1): above 0 is lung.
    Raises:
        DataError: the side is no such multiple.
    """
    if input_size_px < STRIDE_PX or input_size_px % STRIDE_PX:
        raise DataError(f"the locator's input is {input_size_px} px, expected a multiple of {STRIDE_PX}: change --size")
    film = layers.Input((input_size_px, input_size_px, 1), name="film")
    x = convolution(film, STEM_CHANNELS, 3, stride=2)
    skips = []
    for channels in CHANNELS:
        x = convolution(x, channels, 3, stride=2)
        skips.append(x)
    for _ in range(DEPTH):
        x = bottleneck(x, CHANNELS[-1], INNER[-1])
    for channels, inner, skip in reversed(list(zip(CHANNELS[:-1], INNER[:-1], skips[:-1], strict=True))):
        x = convolution(x, channels, 1, active=False)
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = layers.ReLU(6.0)(layers.Add()([x, skip]))
        x = bottleneck(x, channels, inner)
    # Each place at a quarter of the side gives the logits of its cells, CELL_PX apart.
    x = layers.Conv2D((4 // CELL_PX) ** 2, 1)(x)
    logits = tf.nn.depth_to_space(x, 4 // CELL_PX, name="logits")
    return keras.Model(film, logits, name="locator")


def locator_logits(model: Any, pixels: np.ndarray) -> np.ndarray:
    """A float locator on many films.

    Args:
        pixels: uint8 (films, side, side), from `film_for_locator`.
    Returns:
        float32 (films, cells, cells).
    """
    parts = [pixels[start : start + BATCH, ..., None] for start in range(0, len(pixels), BATCH)]
    return np.concatenate([model(tf.cast(part, tf.float32), training=False).numpy()[..., 0] for part in parts])
