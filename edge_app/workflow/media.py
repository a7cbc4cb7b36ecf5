"""Sticks and cards that are mounted: where a back-up may go and where a new model may come from."""

import os
from pathlib import Path

from edge_app.errors import ActRefused
from edge_app.model.bundle import sidecar_path

MEDIA_VARIABLE = "CXR_EDGE_MEDIA"  # folders separated by ":", for a machine that mounts its sticks elsewhere
PLACES = ("/media/*", "/media/*/*", "/run/media/*/*", "/mnt/*")
MAX_MODELS = 20


def media() -> list[Path]:
    """The folders of all removable media, in order of name."""
    if named := os.environ.get(MEDIA_VARIABLE):
        return [Path(folder) for folder in named.split(os.pathsep) if Path(folder).is_dir()]
    found = (path for place in PLACES for path in Path("/").glob(place[1:]))
    return sorted(path for path in found if os.path.ismount(path))


def models_on(places: list[Path]) -> list[Path]:
    """Models on media, or in a folder there, with their checksum in the same folder."""
    found = [path for place in places for depth in ("*", "*/*") for path in sorted(place.glob(f"{depth}.tflite"))]
    return [path for path in found if sidecar_path(path).is_file()][:MAX_MODELS]


def chosen(asked: str, offered: list[Path]) -> Path:
    """The offered path that somebody chose; never another one.

    Raises:
        ActRefused: it is not offered (any more).
    """
    for path in offered:
        if str(path) == asked:
            return path
    raise ActRefused("no_medium", "The stick is not there: put it in, wait a moment, and open this page again.")
