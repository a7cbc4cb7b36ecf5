"""Finds code that knows by name what a registry lists, so that a new entry would need another edit there."""

import ast
from collections.abc import Collection, Iterator

from tests_support import REPOSITORY

PACKAGES = ("edge_app", "train", "convert", "benchmarks")


def restated(names: Collection[str], homes: tuple[str, ...], packages: Collection[str] = PACKAGES) -> list[str]:
    """Every place outside `homes` that lists several of the names or compares with one, as `path:line`.

    Args:
        names: those of one registry.
        homes: how the paths begin of the modules that may, relative to the repository.
    """
    files = [path for package in packages for path in sorted((REPOSITORY / package).rglob("*.py"))]
    places = [(path, path.relative_to(REPOSITORY).as_posix()) for path in files]
    return [
        f"{place}:{line}"
        for path, place in places
        if not place.startswith(homes)
        for line in lines_that_know(names, path.read_text(encoding="utf-8"))
    ]


def lines_that_know(names: Collection[str], source: str) -> Iterator[int]:
    """The lines of a module that list at least two of the names, or compare with one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            least, parts = 2, node.elts
        elif isinstance(node, ast.Dict):
            least, parts = 2, node.keys
        elif isinstance(node, ast.Compare):
            least, parts = 1, [node.left, *node.comparators]
        else:
            continue
        if len([part for part in parts if isinstance(part, ast.Constant) and part.value in names]) >= least:
            yield node.lineno
