"""One worker process, as its parent sees it: it starts, is asked for one film at a time, and may die."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import FilmError, FilmRefused, FilmUnreadable
from edge_app.imaging.decoder.messages import ChannelClosed, memory_file, read_into, receive, send, write_all
from edge_app.imaging.formats.base import SEXES, DicomOrigin, Film, checked_uid
from edge_app.imaging.limits import MAX_PIXELS, MAX_TEXT, START_WITHIN_S, WALL_PER_CPU, decoding_cpu_s
from edge_app.system.child_process import ROOT, child_environment

MODULE = "edge_app.imaging.decoder.worker"
STDERR_BYTES = 4096


class WorkerDied(Exception):
    """The worker ended, or was ended, while it decoded.

    Args:
        how: "crashed", "cpu" (too much processor time), "wall" (no answer in time), "killed" (by the system or
            a person) or "memory".
    """

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class WorkerProcess:
    """A process that decodes films. Not safe for two threads at once."""

    def __init__(self, program: Sequence[str] = (sys.executable, "-m", MODULE)) -> None:
        """Start it; it warms up on its own.

        Args:
            program: what to run; the two descriptors of `edge_app.imaging.decoder.worker` follow.
        Raises:
            OSError: the system cannot start a process.
        """
        self._channel, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        self._stderr = memory_file()
        self._ready = False
        try:
            # Of what this process has open, the worker gets these and nothing else. A session of its own: a
            # Ctrl-C in the terminal is for the parent, which then closes the lifeline.
            self._process = subprocess.Popen(
                [*program, str(theirs.fileno()), str(lifeline)],
                cwd=ROOT,
                env=child_environment() | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                pass_fds=(theirs.fileno(), lifeline),
                start_new_session=True,
            )
        except BaseException:
            self._close_files()
            raise
        finally:
            theirs.close()
            os.close(lifeline)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def read(self, content: bytes, min_side_px: int | None) -> Film:
        """Decode one film; arguments and errors as `edge_app.imaging.film.read_film`.

        Raises:
            WorkerDied: the process ended, or took too long and was ended. It cannot be asked again.
        """
        cpu_s, before_s = decoding_cpu_s(len(content)), 0.0
        try:
            if not self._ready:
                self._channel.settimeout(START_WITHIN_S)
                self._ready = "ready" in receive(self._channel)[0]
            self._channel.settimeout(WALL_PER_CPU * cpu_s)
            before_s = self._cpu_s()
            file = memory_file()
            try:
                write_all(file, content)
                send(self._channel, {"min_side_px": min_side_px, "cpu_s": cpu_s}, file)
            finally:
                os.close(file)
            fields, pixels = receive(self._channel)
        except TimeoutError as cause:
            how = "start" if not self._ready else "cpu" if self._cpu_s() - before_s > cpu_s / 2 else "wall"
            self.close()
            raise WorkerDied(how) from cause
        except (ChannelClosed, ConnectionError) as cause:
            raise WorkerDied(self._how_it_died()) from cause
        try:
            return _film(fields, pixels)
        finally:
            if pixels is not None:
                os.close(pixels)

    def close(self) -> None:
        """End the process and wait for its end."""
        if self._lifeline < 0:
            return
        self._process.kill()
        self._process.wait()
        self._close_files()

    def _how_it_died(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        code, said = self._process.poll(), self._last_words()
        self.close()
        if not self._ready:
            return "start"
        if code is None:  # it closed its channel and lives: it is none of ours any more
            return "crashed"
        if b"bad_alloc" in said or b"MemoryError" in said:
            return "memory"
        return {-signal.SIGPROF: "cpu", -signal.SIGKILL: "killed"}.get(code, "crashed")

    def _cpu_s(self) -> float:
        """Processor time of the worker in all, which a machine that is too busy for it does not give; 0 if unknown."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            return 0.0

    def _last_words(self) -> bytes:
        size = os.fstat(self._stderr).st_size
        return os.pread(self._stderr, STDERR_BYTES, max(0, size - STDERR_BYTES))

    def _close_files(self) -> None:
        self._channel.close()
        os.close(self._lifeline)
        os.close(self._stderr)
        self._lifeline = -1


def _film(fields: dict[str, Any], pixels: int | None) -> Film:
    """The film that a worker sent. A file may have taken over the worker, so nothing in its answer is trusted.

    Raises:
        FilmError: the worker sent a refusal, or what is no film.
    """
    try:
        if pixels is None:
            raise _refusal(fields)
        height, width = int(fields["height"]), int(fields["width"])
        if min(height, width) < 1 or height * width > MAX_PIXELS:
            raise ValueError(f"{width} x {height} pixels")
        film = np.empty((height, width), dtype=np.uint8)
        if not read_into(pixels, film.data.cast("B")):
            raise ValueError("the pixels are not of the size that was said")
        age, origin = fields["age_years"], fields["origin"]
        return Film(
            pixels=film,
            width_px=int(fields["width_px"]),
            height_px=int(fields["height_px"]),
            age_years=None if age is None else float(age),
            dicom_origin=DicomOrigin(*map(checked_uid, origin)) if origin else None,
            notes=tuple(note for note in fields["notes"] if str(note).isidentifier()),
            label="".join(filter(str.isprintable, str(fields["label"])))[:MAX_TEXT],
            sex=fields["sex"] if fields["sex"] in SEXES else "",
        )
    except (KeyError, TypeError, ValueError, OSError) as cause:
        raise FilmUnreadable("damaged", "The file is damaged: export it again.") from cause


def _refusal(fields: dict[str, Any]) -> FilmError:
    kind = FilmRefused if fields["status"] == FilmRefused.status else FilmUnreadable
    code = str(fields["code"])
    if not code.isidentifier():
        raise ValueError("no code")
    return kind(code, str(fields["sentence"]))
