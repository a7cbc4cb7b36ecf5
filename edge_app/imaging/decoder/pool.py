"""The worker processes of this process: one is kept warm, a few at most, and a dead one is replaced."""

import atexit
import contextlib
import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_app.errors import FilmUnreadable
from edge_app.imaging.decoder.process import WorkerDied, WorkerProcess
from edge_app.imaging.film import content_of
from edge_app.imaging.formats.base import Film
from edge_app.imaging.limits import MAX_REMEMBERED, MAX_WORKERS, WAIT_FOR_WORKER_S
from edge_app.system.files import sha256_of

LOG = logging.getLogger(__name__)
# How a worker died, to code and sentence for the film. What is in the first table is the fault of the file, which
# is remembered by its hash and refused at once when it comes again.
FAULT_OF_FILE = {
    "crashed": ("damaged", "The file is damaged: its decoder crashed on it. Export the film again."),
    "cpu": (
        "too_much_work",
        "The file takes too long to decode on this device: export the film uncompressed, or smaller.",
    ),
    "memory": (
        "no_memory",
        "This device has too little free memory to decode the film: export it uncompressed, or smaller.",
    ),
}
FAULT_OF_MACHINE = {
    "wall": ("too_much_work", "This device was too busy to decode the film: send it again later."),
    "killed": FAULT_OF_FILE["memory"],
    "start": ("no_worker", "This device could not start the process that decodes films: restart it, then try again."),
}


class DecoderPool:
    """Workers for any number of threads. A film waits for a worker only while all are busy."""

    def __init__(self, start: Callable[[], WorkerProcess] = WorkerProcess, most: int = MAX_WORKERS) -> None:
        """Set up; the first worker starts with `warm_up` or with the first film."""
        self._start = start
        self._most = most
        self._idle: deque[WorkerProcess] = deque()
        self._busy = 0
        self._changed = threading.Condition()
        self._stopped_a_worker: dict[int, dict[str, str]] = {}  # size in bytes: SHA-256: how it died
        self._closed = False

    def warm_up(self) -> None:
        """Start a worker now, without waiting for it.

        Raises:
            OSError: the system cannot start a process.
        """
        with self._changed:
            if not self._idle and not self._busy and not self._closed:
                self._idle.append(self._start())

    def read(self, source: Path | bytes, min_side_px: int | None = None) -> Film:
        """Decode one film in a worker; arguments and errors as `read_film`."""
        content = content_of(source)
        if how := self._known(content):
            raise FilmUnreadable(*FAULT_OF_FILE[how])
        for is_last in (False, True):
            try:
                with self._worker() as worker:
                    return worker.read(content, min_side_px)
            except WorkerDied as death:
                LOG.warning("a film of %d bytes ended the process that decoded it: %s", len(content), death.how)
                if death.how in FAULT_OF_FILE:
                    self._remember(content, death.how)
                    raise FilmUnreadable(*FAULT_OF_FILE[death.how]) from death
                if is_last or death.how == "wall":  # what was ended from outside is tried once more
                    raise FilmUnreadable(*FAULT_OF_MACHINE[death.how]) from death
            except OSError as cause:
                raise FilmUnreadable(*FAULT_OF_MACHINE["start"]) from cause
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """End the idle workers; a busy one ends after its film."""
        with self._changed:
            self._closed = True
            workers, self._idle = list(self._idle), deque()
        for worker in workers:
            worker.close()

    @contextlib.contextmanager
    def _worker(self) -> Iterator[WorkerProcess]:
        worker = self._take()
        try:
            yield worker
        finally:
            self._give_back(worker)

    def _take(self) -> WorkerProcess:
        """An idle worker; a new one when none is busy, or when the busy ones take long."""
        patience = time.monotonic() + WAIT_FOR_WORKER_S
        with self._changed:
            while True:
                while self._idle:
                    worker = self._idle.pop()
                    if worker.is_alive():
                        self._busy += 1
                        return worker
                    worker.close()
                left = patience - time.monotonic()
                if not self._busy or (left <= 0 and self._busy < self._most):
                    worker = self._start()
                    self._busy += 1
                    return worker
                self._changed.wait(max(left, 0) if self._busy < self._most else None)

    def _give_back(self, worker: WorkerProcess) -> None:
        """Keep one idle worker. A dead one is replaced at once, so that the next film need not wait."""
        with self._changed:
            self._busy -= 1
            if self._closed or self._idle:
                worker.close()
            elif worker.is_alive():
                self._idle.append(worker)
            else:
                worker.close()
                with contextlib.suppress(OSError):
                    self._idle.append(self._start())
            self._changed.notify()

    def _known(self, content: bytes) -> str | None:
        """How this very file ended a worker before; None if it did not. Hashed only where the size is known."""
        of_this_size = self._stopped_a_worker.get(len(content))
        return of_this_size.get(sha256_of(content)) if of_this_size else None

    def _remember(self, content: bytes, how: str) -> None:
        """Hashes and sizes only; the oldest are forgotten."""
        with self._changed:
            while len(self._stopped_a_worker) >= MAX_REMEMBERED:
                self._stopped_a_worker.pop(next(iter(self._stopped_a_worker)))
            self._stopped_a_worker.setdefault(len(content), {})[sha256_of(content)] = how


@functools.cache
def shared_pool() -> DecoderPool:
    """The pool of this process; its workers end with the process."""
    pool = DecoderPool()
    atexit.register(pool.close)
    return pool
