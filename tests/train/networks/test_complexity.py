"""Multiply-accumulates, against counts by hand and a published one."""

import pytest

from train.keras import keras
from train.networks.blocks import SpaceToDepth
from train.networks.complexity import count_macs
from train.networks.efficientnet_lite0 import build_efficientnet_lite0

layers = keras.layers


def test_macs_of_each_kind_of_layer_by_hand() -> None:
    film = layers.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, 2, padding="same")(film)  # 4 x 4 places, 3 x 3 x 2 x 4
    x = layers.DepthwiseConv2D(3, padding="same")(x)  # 4 x 4 places, 3 x 3 x 4
    x = layers.MaxPooling2D()(layers.BatchNormalization()(x))
    x = layers.Dense(5)(layers.Flatten()(x))  # 16 x 5
    assert count_macs(keras.Model(film, x)) == 16 * 72 + 16 * 36 + 80


def test_space_to_depth_costs_nothing_and_the_window_behind_it_a_quarter_of_the_places() -> None:
    film = layers.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, padding="same")(SpaceToDepth()(film))  # 4 x 4 places, 3 x 3 x 4 x 16
    assert count_macs(keras.Model(film, x)) == 16 * 9 * 4 * 16


def test_macs_of_lite0_at_its_published_size() -> None:
    """B0 has 0.39 G (Tan and Le, table 8), Lite0 that less squeeze-and-excite."""
    model = build_efficientnet_lite0(224, 3)
    colour_stem = 2 * 112 * 112 * 9 * 32  # two more colours than here
    assert count_macs(model) + colour_stem == pytest.approx(0.385e9, rel=0.01)
