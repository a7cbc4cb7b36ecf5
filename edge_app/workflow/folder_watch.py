"""Watches a folder for films that are new and completely written.

A machine may still be writing into the folder, so a film is read only once its size and time were the same in
two successive scans. Nothing in the folder is moved, changed or deleted.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from edge_app.errors import DataError
from edge_app.imaging.film_files import may_be_film, named_films
from edge_app.imaging.limits import MAX_WORKERS
from edge_app.workflow.case import Case
from edge_app.workflow.reading_service import ReadingService

SCAN_EVERY_S = 1.0
MAX_TRIES = 5  # to read a film on which the kit itself fails, because memory may have been short
LOG = logging.getLogger(__name__)


class Watcher:
    """Remembers earlier scans; call `new_films` every SCAN_EVERY_S seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}  # size in bytes and time in ns at the last scan
        self._done: dict[Path, tuple[int, int]] = {}
        self._tries: dict[Path, int] = {}  # of films that failed the last time

    def new_films(self) -> list[Path]:
        """Films that have not changed since the last scan and were not returned before, sorted by name.

        A film that is overwritten counts as new. Films that left the folder are forgotten.

        Raises:
            DataError: the folder does not exist (any more), or cannot be read.
        """
        if not self.folder.is_dir():
            raise DataError(f"{self.folder} is not a folder: create it, or connect the disk")
        try:
            now = {path: _state(path) for path in named_films(self.folder)}
        except OSError as cause:
            raise DataError(f"{self.folder} cannot be read: {cause.strerror}") from cause
        settled = [path for path, state in now.items() if state[0] and self._seen.get(path) == state]
        new = [path for path in settled if self._done.get(path) != now[path]]
        self._seen = now
        self._done = {path: state for path, state in self._done.items() if path in now}
        self._done |= {path: now[path] for path in new}
        gone = [path for path in self._tries if path not in now]  # reading it says so
        return [*(path for path in new if not path.suffix or may_be_film(path)), *gone]

    def look_again(self, path: Path) -> None:
        """Return a film once more at the next scan."""
        self._done.pop(path, None)

    def try_again(self, path: Path) -> bool:
        """Return a film once more, after the kit itself failed on it; False if that was tried MAX_TRIES times."""
        self._tries[path] = self._tries.get(path, 0) + 1
        if self._tries[path] >= MAX_TRIES:
            return False
        self.look_again(path)
        return True

    def is_through(self, path: Path) -> None:
        """Note that nothing more needs to be done with a film unless it changes."""
        self._tries.pop(path, None)

    @property
    def failing(self) -> int:
        """How many films failed the last time and are tried again."""
        return len(self._tries)


def read_new_films(
    service: ReadingService, watcher: Watcher, take: Callable[[Path, Case | None], None] = lambda _, __: None
) -> None:
    """Scan a folder once: record what could not be recorded before, and read what is new or failed the last time.

    A film on which the kit itself fails MAX_TRIES times becomes a refused film, so that somebody sees to it.

    Args:
        take: as in `read_each`.
    Raises:
        DataError: as `Watcher.new_films`.
    """
    service.save_again()

    def taken(path: Path, case: Case | None) -> None:
        watcher.is_through(path)
        if case and not case.saved and not service.is_held(case.id):  # there was no room to hold it until it can be
            watcher.look_again(path)
        take(path, case)

    failed = read_each(service.read_file, watcher.new_films(), taken)
    hopeless = [path for path in failed if not watcher.try_again(path)]
    for path in read_each(service.give_up, hopeless, taken):
        watcher.look_again(path)


def read_each(
    read: Callable[[Path], Case | None],
    paths: Iterable[Path],
    take: Callable[[Path, Case | None], None] = lambda _, __: None,
) -> list[Path]:
    """Read films, a few at once, so that one that takes long keeps no other waiting.

    Args:
        read: reads one film.
        take: called in this thread with each film and its case, in the order in which they are finished.
    Returns:
        The films on which either failed with an error that is none of a film. Each is logged.
    """
    failed = []
    with ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="watch") as threads:
        running = {threads.submit(read, path): path for path in paths}
        for done in as_completed(running):
            path = running[done]
            try:
                take(path, done.result())
            except Exception as error:  # this loop must live, whatever a film does
                failed.append(path)
                LOG.error("%s was not read: %r", path, error)
    return failed


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # deleted between listing and stat, or on a disk that fails
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
