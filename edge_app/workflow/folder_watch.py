"""Watching a folder: which films in it are new and wholly written.

A machine that exports into the folder may still be writing: a film counts once its size and time
were the same on two looks in a row. Nothing in the folder is moved, changed or deleted.
"""

from pathlib import Path

from edge_app.errors import DataError
from edge_app.imaging.formats.registry import film_suffixes

LOOK_EVERY_S = 1.0


class Watcher:
    """Remembers what it saw; ask `new_films` again and again, LOOK_EVERY_S apart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}  # size in bytes and time in ns at the last look
        self._done: dict[Path, tuple[int, int]] = {}

    def new_films(self) -> list[Path]:
        """Films that stopped changing since the last look and were not given before, in order of name.

        A film that is written anew under the same name is new. What left the folder is forgotten.

        Raises:
            DataError: the folder is not there (any more), or cannot be read.
        """
        try:
            now = {path: _state(path) for path in sorted(self.folder.rglob("*")) if _is_film(path)}
        except OSError as cause:
            raise DataError(f"{self.folder} cannot be read: {cause.strerror}") from cause
        if not self.folder.is_dir():
            raise DataError(f"{self.folder} is no folder: make it, or plug the disk in")
        settled = [path for path, state in now.items() if state[0] and self._seen.get(path) == state]
        new = [path for path in settled if self._done.get(path) != now[path]]
        self._seen = now
        self._done = {path: state for path, state in self._done.items() if path in now}
        self._done |= {path: now[path] for path in new}
        return new


def _is_film(path: Path) -> bool:
    """By its suffix; DICOM files often have none. Hidden files are half-written ones of other tools."""
    return not path.name.startswith(".") and path.suffix.lower() in film_suffixes() | {""} and path.is_file()


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:  # gone between listing and looking
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
