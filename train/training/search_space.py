"""What `train tune` may change in the compact network and its training."""

from dataclasses import replace
from typing import Any

from train.networks import Architecture
from train.networks.compact import build_compact
from train.training.recipe import RECIPES, SHIPPED, Recipe


def training(hp: Any) -> tuple[float, Recipe]:
    """Learning rate and recipe.

    Args:
        hp: keras_tuner.HyperParameters; asking for a value also declares its range.
    """
    learning_rate = hp.Float("learning_rate", 5e-4, 5e-3, sampling="log")
    recipe = replace(
        RECIPES[SHIPPED],
        label_smoothing=hp.Choice("label_smoothing", [0.0, 0.05, 0.1]),
        mixup=hp.Choice("mixup", [0.0, 0.2]),
        averaging=hp.Choice("averaging", [0.0, 0.99, 0.998]),
    )
    return float(learning_rate), recipe


def network(hp: Any, input_size_px: int) -> Architecture:
    """The compact network with other depths and widths; channels stay multiples of 16, as int8 kernels need.

    Args:
        hp: as for `training`.
    """
    inner = hp.Choice("inner_channels", [16, 32])
    stages = (
        (32, 16, hp.Int("blocks_1", 0, 1)),
        (64, inner, hp.Int("blocks_2", 0, 2)),
        (hp.Choice("last_channels", [64, 96, 128]), inner, hp.Int("blocks_3", 1, 4)),
    )
    return Architecture(lambda size_px, classes: build_compact(size_px, classes, stages), input_size_px, "train tune")
