"""A kiosk to load: starting one on a free port, and one request to it."""

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from benchmarks.device.harness.candidate import CannotRun
from benchmarks.device.harness.child import last_line
from edge_app.system.child_process import child_environment

START_SECONDS = 120.0


@dataclass(frozen=True)
class Kiosk:
    """A kiosk that answers its health check."""

    url: str
    pid: int
    ready_s: float  # from its start to the first healthy answer


@contextlib.contextmanager
def started_kiosk(home: Path | None = None) -> Iterator[Kiosk]:
    """Start a kiosk on a free port, and stop it afterwards.

    Args:
        home: the folder of its records; None for a temporary one.
    Raises:
        CannotRun: it does not start; the last line it wrote is in the message.
    """
    words = [sys.executable, "-m", "edge_app", "serve", "--port", "0"]
    with tempfile.TemporaryDirectory() as temporary, tempfile.TemporaryFile() as log:
        environment = child_environment() | {"CXR_EDGE_HOME": str(home or temporary), "PYTHONUNBUFFERED": "1"}
        started = time.perf_counter()
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, env=environment, text=True)
        try:
            url = _address(child, log)
            _wait_until_healthy(url)
            yield Kiosk(url, child.pid, time.perf_counter() - started)
        finally:
            child.terminate()
            child.wait(timeout=30)
            if child.stdout:
                child.stdout.close()


def _address(child: subprocess.Popen[str], log: IO[bytes]) -> str:
    """The address in the first line that the kiosk writes."""
    assert child.stdout
    line = child.stdout.readline()
    if " at http://" not in line:
        child.wait(timeout=30)
        raise CannotRun(f"the kiosk did not start: {last_line(log) or line.strip()}")
    return "http://" + line.strip().rpartition(" at http://")[2]


def _wait_until_healthy(url: str) -> None:
    last = CannotRun(f"{url}/health: no answer")
    until = time.perf_counter() + START_SECONDS
    while time.perf_counter() < until:
        try:
            return health(url)
        except CannotRun as cause:
            last = cause
        time.sleep(0.05)
    raise last


def health(url: str) -> None:
    """Ask for the kiosk's health.

    Raises:
        CannotRun: no connection, or it is not well; the message says what it answered.
    """
    try:
        with contextlib.closing(connect(url)) as connection:
            status, answer = request(connection, "GET", "/health", b"")
    except OSError as cause:
        raise CannotRun(f"{url}/health: {cause}") from cause
    if status != 200:
        raise CannotRun(f"{url}/health: {answer}")


def connect(url: str) -> http.client.HTTPConnection:
    """A connection to the kiosk at an address; it opens with its first request."""
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=60)


def request(connection: http.client.HTTPConnection, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Send one request; the HTTP status and the answer.

    Raises:
        OSError: no connection, or the answer is not JSON.
    """
    headers = {"Content-Type": "application/octet-stream"} if body else {}
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (http.client.HTTPException, ValueError) as cause:
        raise OSError(f"{type(cause).__name__}: {cause}") from cause
    return response.status, answer
