"""The locator: the whole film in, where the lungs are out. A small U-Net (arXiv:1505.04597).

Every operator of its int8 file runs in XNNPACK, and only convolutions and additions compute: where the
resolution rises, channels become places, which every runtime does to the same bit.
"""

from typing import Any

import numpy as np

from edge_app.errors import DataError
from train.data.lungs.draws import CELL_PX
from train.keras import keras, tf
from train.networks.blocks import SpaceToDepth, bottleneck, convolution
from train.networks.inference import predict

layers = keras.layers
STRIDE_PX = 16  # the input's side is a multiple of this
CHANNELS = (32, 48, 64)  # at a quarter, an eighth and a sixteenth of the input's side
MASK_STRIDE_PX = 8  # the mask is decoded at this stride; its cells are finer
INNER = 32  # inside the bottlenecks
DEPTH = 2  # bottlenecks at the lowest resolution


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
    x = SpaceToDepth()(film)
    x = convolution(x, CHANNELS[0], 3, stride=2)
    levels = [convolution(x, CHANNELS[0], 1)]
    for channels in CHANNELS[1:]:
        levels.append(convolution(levels[-1], channels, 3, stride=2))
    x = levels[-1]
    for _ in range(DEPTH):
        x = bottleneck(x, CHANNELS[-1], INNER)
    x = tf.nn.depth_to_space(convolution(x, 4 * CHANNELS[-2], 1, active=False), 2)
    x = layers.ReLU(6.0)(layers.Add()([x, levels[-2]]))
    x = convolution(x, CHANNELS[-2], 3)  # takes less time than a bottleneck of fewer weights
    # Each place gives the logits of all cells in its square.
    cells = MASK_STRIDE_PX // CELL_PX
    logits = tf.nn.depth_to_space(layers.Conv2D(cells**2, 1)(x), cells, name="logits")
    return keras.Model(film, logits, name="locator")


def locator_logits(model: Any, pixels: np.ndarray) -> np.ndarray:
    """A float locator on many films.

    Args:
        pixels: uint8 (films, side, side), from `to_model_pixels`.
    Returns:
        float32 (films, cells, cells).
    """
    (logits,) = predict(model, pixels).values()
    return logits[..., 0]
