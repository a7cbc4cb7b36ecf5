"""Where this device keeps what it was given: installed models, records, settings."""

import os
from pathlib import Path

from edge_app.errors import KitError

HOME_VARIABLE = "CXR_EDGE_HOME"


def data_dir(named: Path | None = None) -> Path:
    """The data folder; it need not exist yet.

    Args:
        named: what --data-dir said. Without it CXR_EDGE_HOME decides, then `cxr-edge` in
            XDG_DATA_HOME, then `~/.local/share/cxr-edge`.
    Raises:
        KitError: nothing names a folder and this user has no home.
    """
    if named is not None:
        return named.expanduser()
    if from_kit := os.environ.get(HOME_VARIABLE):
        return Path(from_kit).expanduser()
    if from_desktop := os.environ.get("XDG_DATA_HOME"):
        return Path(from_desktop) / "cxr-edge"
    try:
        return Path.home() / ".local" / "share" / "cxr-edge"
    except RuntimeError as cause:
        raise KitError(f"this user has no home folder: name one with --data-dir or {HOME_VARIABLE}") from cause
