"""The networks by the name that `--arch` takes. To add one, write its file with `NETWORKS` and add its name here."""

from importlib import import_module

from edge_app.errors import DataError
from train.networks.architecture import Architecture

__all__ = ["ARCHITECTURES", "Architecture", "find_architecture"]

ARCHITECTURES: dict[str, Architecture] = {
    name: network
    for file in (  # messages and tables keep this order
        "compact",
        "dense",
        "cnn",
        "densenet201",
        "efficientnet_lite0",
    )
    for name, network in import_module(f"train.networks.{file}").NETWORKS.items()
}


def find_architecture(name: str) -> Architecture:
    """Look up `--arch`.

    Raises:
        DataError: there is no such network.
    """
    if name not in ARCHITECTURES:
        raise DataError(f"there is no network {name!r}; the kit has {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
