"""One process of a training: distributed_worker.py OUT DATA STRATEGY DEVICES [resume].

The network is the compact one on 32 pixels without dropout, whose masks would differ between one
machine's batch and two machines' halves of it. The steps are small: at the usual rate a rounding of 1e-7 in the
first loss grows about thirtyfold with every step of such a small network.
"""

import sys
from pathlib import Path
from typing import Any

from train.keras import keras, tf
from train.networks import ARCHITECTURES, Architecture
from train.networks.compact import build_compact
from train.training.fit import FitOptions, fit

LEARNING_RATE = 1e-4


def without_dropout(size_px: int, classes: int) -> Any:
    """The compact network, its dropout at 0."""

    def rebuilt(layer: Any) -> Any:
        config = layer.get_config()
        return type(layer).from_config(config | ({"rate": 0.0} if isinstance(layer, keras.layers.Dropout) else {}))

    return keras.models.clone_model(build_compact(size_px, classes), clone_function=rebuilt)


def main(out: str, data: str, strategy: str, devices: int, resume: bool) -> None:
    """Train two epochs."""
    if devices > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    ARCHITECTURES["even"] = Architecture(without_dropout, 32, "tests")
    fit(
        FitOptions(
            out=Path(out),
            data=data,
            arch="even",
            epochs=2,
            batch_size=16,
            learning_rate=LEARNING_RATE,
            strategy=strategy,
            resume=resume,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), "resume" in sys.argv)
