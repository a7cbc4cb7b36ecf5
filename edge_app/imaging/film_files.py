"""Which entries of a folder are films: one rule for `predict`, `watch` and the data sets of training."""

import os
from collections.abc import Iterator
from pathlib import Path

from edge_app.imaging.dicom.container import data_set_start
from edge_app.imaging.formats.registry import film_suffixes

# Folders and files of operating systems, network disks and notebooks. Hidden ones begin with a dot.
SERVICE_NAMES = frozenset(
    name.lower()
    for name in (
        "__MACOSX", "__pycache__", "@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "$RECYCLE.BIN",
        "System Volume Information", "lost+found", "RECYCLER", "Thumbs.db", "desktop.ini", "DICOMDIR",
        "Network Trash Folder", "Temporary Items", "found.000", "aquota.user", "aquota.group",
    )
)  # fmt: skip
HEAD_BYTES = 512


def is_service_name(name: str) -> bool:
    """Whether a file or folder of this name is no one's data: hidden, or a system's own."""
    return name.startswith((".", "~$")) or name.lower() in SERVICE_NAMES


def named_films(folder: Path) -> Iterator[Path]:
    """All files under a folder that may be films by their name, in order of path. Sub-folders are searched.

    A name without a film's suffix may be a DICOM file: see `may_be_film`. An entry that cannot be looked at is
    left out.

    Raises:
        OSError: the folder itself cannot be read.
    """
    os.scandir(folder).close()
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_service_name(name)]
        found += [Path(parent, name) for name in names if not is_service_name(name) and _has_film_name(name)]
    yield from sorted(path for path in found if _is_file(path))


def may_be_film(path: Path) -> bool:
    """Whether a file with a film's suffix, or one without that begins like DICOM, as on most CDs.

    A file that cannot be opened counts: reading it says why.
    """
    if path.suffix.lower() in film_suffixes():
        return True
    try:
        with path.open("rb") as file:
            return data_set_start(file.read(HEAD_BYTES)) is not None
    except OSError:
        return True


def films_in(folder: Path) -> Iterator[Path]:
    """All films under a folder, in order of path; raises as `named_films`."""
    return filter(may_be_film, named_films(folder))


def _has_film_name(name: str) -> bool:
    """By the suffix. What stands after the last dot of a UID, or of `IM.1`, is no suffix."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 (a name, and often)
    return suffix in film_suffixes() or not suffix or suffix[1:].isdigit()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
