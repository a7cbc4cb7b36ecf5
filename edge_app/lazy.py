"""A package's public names, each imported on first use."""

import sys
from collections.abc import Callable
from importlib import import_module


def public_names(package: str, homes: dict[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package (PEP 562).

    Args:
        homes: each public name with the module that defines it.
    Raises:
        AttributeError: from `__getattr__`, when the package has no such name.
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return find, names
