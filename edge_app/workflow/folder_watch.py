"""Watches a folder for films that are new and completely written.

A machine may still be writing into the folder, so a film is read only once its size and time were the same in
two successive scans. Nothing in the folder is moved, changed or deleted.
"""

from pathlib import Path

from edge_app.errors import DataError
from edge_app.imaging.formats.registry import film_suffixes

SCAN_EVERY_S = 1.0


class Watcher:
    """Remembers earlier scans; call `new_films` every SCAN_EVERY_S seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}  # size in bytes and time in ns at the last scan
        self._done: dict[Path, tuple[int, int]] = {}

    def new_films(self) -> list[Path]:
        """Films that have not changed since the last scan and were not returned before, sorted by name.

        A film that is overwritten counts as new. Films that left the folder are forgotten.

        Raises:
            DataError: the folder does not exist (any more), or cannot be read.
        """
        try:
            now = {path: _state(path) for path in sorted(self.folder.rglob("*")) if _is_film(path)}
        except OSError as cause:
            raise DataError(f"{self.folder} cannot be read: {cause.strerror}") from cause
        if not self.folder.is_dir():
            raise DataError(f"{self.folder} is not a folder: create it, or connect the disk")
        settled = [path for path, state in now.items() if state[0] and self._seen.get(path) == state]
        new = [path for path in settled if self._done.get(path) != now[path]]
        self._seen = now
        self._done = {path: state for path, state in self._done.items() if path in now}
        self._done |= {path: now[path] for path in new}
        return new


def _is_film(path: Path) -> bool:
    """Tells by the suffix; DICOM files often have none. Hidden files are often half-written files of other tools."""
    return not path.name.startswith(".") and path.suffix.lower() in film_suffixes() | {""} and path.is_file()


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:  # deleted between listing and stat
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
