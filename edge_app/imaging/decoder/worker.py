"""The worker process: it decodes one film after another, within limits, and ends with the process that started it.

    python -m edge_app.imaging.decoder.worker CHANNEL LIFELINE

Both are descriptors: a socket for messages, and a pipe whose other end only the parent holds. It holds no
model, no record and no port.
"""

import contextlib
import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from edge_app.errors import FilmError, FilmUnreadable
from edge_app.imaging.decoder.messages import ChannelClosed, memory_file, receive, send, write_all
from edge_app.imaging.dicom.lean_import import import_lean
from edge_app.imaging.film import read_film
from edge_app.imaging.formats.base import Film
from edge_app.imaging.formats.dicom import is_dicom
from edge_app.imaging.formats.registry import film_formats
from edge_app.imaging.limits import WORKER_FILE_BYTES, WORKER_MEMORY_BYTES, WORKER_OPEN_FILES

STDERR = 2
IDLE_S = 0.3
FIRST_TO_GO = b"1000"  # when the machine has no memory left, the system ends this process before the kiosk


def main(read: Callable[[bytes, int | None], Film] = read_film) -> None:
    """Decode until the parent ends.

    Args:
        read: decodes one film.
    """
    channel, lifeline = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    end_with_parent(lifeline)
    set_limits()
    for _ in film_formats():  # imported now, so that the first film does not wait
        pass
    send(channel, {"ready": True})
    if not select.select([channel], [], [], IDLE_S)[0]:
        import_lean()  # before the first film comes; a command has its film already
    while True:
        try:
            request, file = receive(channel)
        except ChannelClosed:
            return
        if file is None:
            return
        answer_one(channel, request, file, read)


def end_with_parent(lifeline: int) -> None:
    """Let the system end this process as soon as the parent is gone, even inside a decoder.

    The parent never writes to the pipe, so the signal comes when its end is closed, by whatever death. A
    parent-death signal would come too early: it follows the thread that started the process.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        if os.read(lifeline, 1) == b"":  # it ended before this process listened
            sys.exit(0)


def set_limits() -> None:
    """Limit memory, output and open files; a lower limit that the system sets stays."""
    limits = {
        resource.RLIMIT_AS: WORKER_MEMORY_BYTES,
        resource.RLIMIT_FSIZE: WORKER_FILE_BYTES,
        resource.RLIMIT_NOFILE: WORKER_OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it; the time limits hold without
            resource.setrlimit(kind, (limit, limit))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:  # noqa: PTH123 (before any import)
        file.write(FIRST_TO_GO)


def answer_one(
    channel: socket.socket, request: dict[str, Any], file: int, read: Callable[[bytes, int | None], Film]
) -> None:
    """Decode one file and send its pixels, or why it has none."""
    with contextlib.suppress(OSError):
        os.ftruncate(STDERR, 0)  # the parent reads it only to say why this process died
    signal.setitimer(signal.ITIMER_PROF, float(request["cpu_s"]))  # its signal ends the process, inside a decoder too
    pixels = None
    try:
        content = _content(file)
        if is_dicom(content):
            import_lean()
        film = read(content, request["min_side_px"])
        pixels = memory_file()
        write_all(pixels, film.pixels.data if film.pixels.flags.c_contiguous else film.pixels.tobytes())
        fields = film_fields(film)
    except FilmError as error:
        fields = {"status": error.status, "code": error.code, "sentence": error.sentence[:500]}
    except (MemoryError, OSError):
        fields = {"status": "error", "code": "no_memory", "sentence": NO_MEMORY}
    except Exception:  # a file that was made to break the decoder can raise anything
        fields = {"status": "error", "code": "damaged", "sentence": "The file is damaged: export it again."}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.close(file)
    send(channel, fields, pixels if "height" in fields else None)
    if pixels is not None:
        os.close(pixels)


NO_MEMORY = "This device has too little free memory for the film: export it smaller."


def _content(file: int) -> bytes:
    size = os.fstat(file).st_size
    if not size:
        raise FilmUnreadable("empty_file", "The file is empty: export it from the X-ray machine again.")
    with mmap.mmap(file, size, access=mmap.ACCESS_READ) as content:
        return bytes(content)


def film_fields(film: Film) -> dict[str, Any]:
    """All of a film except its pixels."""
    height, width = film.pixels.shape
    return {
        "height": height,
        "width": width,
        "width_px": film.width_px,
        "height_px": film.height_px,
        "age_years": film.age_years,
        "notes": list(film.notes),
        "label": film.label,
        "sex": film.sex,
        "origin": astuple(film.dicom_origin) if film.dicom_origin else None,
    }


if __name__ == "__main__":
    main()
