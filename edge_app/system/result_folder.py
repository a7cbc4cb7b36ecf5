"""The folder that a command writes its results to: never one that holds something, unless that was asked for.

Without `--out` a command takes its default folder or, where that holds something, the next free number of it.
"""

import tempfile
from pathlib import Path

from edge_app.errors import DataError


def free_folder(default: Path) -> Path:
    """The default folder if it holds nothing, else the first of `default-2`, `default-3` and so on that does not."""
    number, folder = 1, default
    while holds_something(folder):
        number += 1
        folder = default.with_name(f"{default.name}-{number}")
    return folder


def newest_folder(default: Path, member: str = "") -> Path:
    """The default folder or its highest number that holds something; the default where there is none.

    Args:
        member: a file or folder that must lie in it.
    """
    found, number, folder = default, 1, default
    while holds_something(folder):
        found = folder if (folder / member).exists() else found
        number += 1
        folder = default.with_name(f"{default.name}-{number}")
    return found


def holds_something(folder: Path) -> bool:
    """Whether there is a folder, or a file in its place, that results would be mixed with."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def claim(folder: Path, overwrite: bool = False) -> None:
    """Check that a folder may hold the results and can be written to: before the work, not after it.

    A folder that did not exist is not left behind, so that work that fails leaves none.

    Args:
        overwrite: let new results replace those that it holds.
    Raises:
        DataError: it holds something, and `overwrite` is not set.
        OSError: it cannot be made or written to.
    """
    if holds_something(folder) and not overwrite:
        raise DataError(f"{folder} holds files already: give another --out, or --overwrite to replace them")
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
    if is_new:
        folder.rmdir()
