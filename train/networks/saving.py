"""Writing a model so that a kill at any moment leaves a whole file."""

from pathlib import Path
from typing import Any


def save_model(model: Any, path: Path) -> None:
    """Write a `.keras` file to the folder of `path`, then rename it: a kill leaves the old file or the new one.

    Raises:
        OSError: the disk is full or read-only; `path` is then as it was.
    """
    temporary = path.with_name(f".new-{path.name}")
    try:
        model.save(temporary)
        temporary.replace(path)
    except OSError as cause:  # a message about a full disk names no file
        temporary.unlink(missing_ok=True)
        raise OSError(cause.errno, cause.strerror or str(cause), str(path)) from cause
