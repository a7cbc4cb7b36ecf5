"""The networks by the name that `--arch` takes. A new network is a file that declares it, and a line here."""

from edge_app.errors import DataError
from train.networks import cnn, compact, dense, densenet201, efficientnet_lite0
from train.networks.architecture import Architecture

__all__ = ["ARCHITECTURES", "Architecture", "find_architecture"]

ARCHITECTURES = {
    "compact": compact.COMPACT,
    "compact-160": compact.COMPACT_160,
    "dense-baseline": dense.DENSE_BASELINE,
    "mlp": dense.MLP,
    "cnn": cnn.CNN,
    "cnn-100x50": cnn.CNN_100X50,
    "densenet201": densenet201.DENSENET201,
    "efficientnet-lite0": efficientnet_lite0.EFFICIENTNET_LITE0,
}


def find_architecture(name: str) -> Architecture:
    """Look up `--arch`.

    Raises:
        DataError: there is no such network.
    """
    if name not in ARCHITECTURES:
        raise DataError(f"there is no network {name!r}; the kit has {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
