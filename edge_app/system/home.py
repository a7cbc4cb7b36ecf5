"""The folder for what a device must not lose: the record, a site's threshold, installed models."""

import os
from pathlib import Path

from edge_app.errors import KitError

HOME_VARIABLE = "CXR_EDGE_HOME"
FOLDER_NAME = "cxr-edge"
SITE_THRESHOLD_FILE = "site-threshold.json"  # in the data folder; see `edge_app.reading.site_threshold`


def data_home(chosen: Path | None = None) -> Path:
    """The data folder; it is not created here.

    Args:
        chosen: the value of `--data-dir`. Without it CXR_EDGE_HOME decides, then XDG_DATA_HOME.
    Raises:
        KitError: nothing is named, and the user has no home folder.
    """
    if chosen:
        return chosen
    if os.environ.get(HOME_VARIABLE):
        return Path(os.environ[HOME_VARIABLE])
    if os.environ.get("XDG_DATA_HOME"):
        return Path(os.environ["XDG_DATA_HOME"]) / FOLDER_NAME
    try:
        return Path.home() / ".local" / "share" / FOLDER_NAME
    except RuntimeError as cause:
        raise KitError(
            f"this user has no home folder: name a data folder with --data-dir or {HOME_VARIABLE}"
        ) from cause
