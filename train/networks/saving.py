"""Writing a model so that a kill at any moment leaves a whole file."""

from pathlib import Path
from typing import Any


def save_model(model: Any, path: Path) -> None:
    """Write a `.keras` file to the folder of `path`, then rename it: a kill leaves the old file or the new one."""
    temporary = path.with_name(f".new-{path.name}")
    model.save(temporary)
    temporary.replace(path)
