"""The networks by the name that `--arch` takes. To add one, write its file with `NETWORKS` and add its name here."""

from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

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
    """Look up `--arch`: a name, or FILE.py:NAME for an `Architecture` in a file of one's own.

    Raises:
        DataError: there is no such network.
    """
    if ".py:" in name:
        return _from_file(*name.rsplit(":", 1))
    if name not in ARCHITECTURES:
        raise DataError(
            f"there is no network {name!r}; the kit has {', '.join(ARCHITECTURES)}: give one of these, or FILE.py:NAME"
        )
    return ARCHITECTURES[name]


def _from_file(file: str, name: str) -> Architecture:
    spec = spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None or not Path(file).is_file():
        raise DataError(f"there is no file {file} with a network: give --arch FILE.py:NAME")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as cause:  # the file is the user's: it can raise anything
        raise DataError(f"{file} cannot be run: {cause!r}") from cause
    found = getattr(module, name, None)
    if not isinstance(found, Architecture):
        names = [key for key, value in vars(module).items() if isinstance(value, Architecture)]
        raise DataError(f"{file} has no Architecture {name!r}; it has {', '.join(names) or 'none'}")
    return found
