"""What anybody who reaches the port can do before a login: large bodies, idle and half-sent requests, many of them."""

import contextlib
import http.client
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.bounds import FILMS_AT_ONCE, FILMS_WAITING, MAX_BODY_BYTES, MAX_REQUESTS, MAX_STREAMS
from edge_app.kiosk.connections import HEAD_WITHIN_S, MAX_CONNECTIONS, MAX_HEAD_BYTES, MAX_PER_ADDRESS, QUEUE
from edge_app.system.bounded_log import CHARACTERS_PER_MINUTE

MIB = 2**20
IDLE_SOCKETS = 1100  # more than the 1,024 files that a process may usually open
SOON_S = 8.0  # also on a busy machine; held connections would last ten seconds and more


@contextlib.contextmanager
def connections(kiosk, count: int, first: bytes = b"") -> Iterator[list[socket.socket]]:
    """Many connections of one client, each with the same first bytes."""
    address = urlsplit(kiosk.url)
    opened = []
    try:
        for _ in range(count):
            connection = socket.create_connection((address.hostname, address.port), timeout=5)
            opened.append(connection)
            with contextlib.suppress(OSError):
                connection.sendall(first)
        yield opened
    finally:
        for connection in opened:
            connection.close()


def is_closed_within(connection: socket.socket, limit_s: float) -> bool:
    connection.settimeout(limit_s)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def peak_mb(kiosk) -> float:
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{kiosk.process.pid}/status").read_text())[1]) / 1024


def answers_soon(kiosk) -> None:
    """Health and a clerk's film get through."""
    started = time.monotonic()
    assert kiosk.ask("/health")[0] == 200
    assert kiosk.ask("/films", phantom_png("viral", 1))[0] == 200
    assert time.monotonic() - started < SOON_S


def test_idle_connections_lock_nobody_out_and_fill_no_log(start_kiosk):
    with start_kiosk() as kiosk:
        with connections(kiosk, IDLE_SOCKETS) as idle:
            answers_soon(kiosk)
            held = len(list(Path(f"/proc/{kiosk.process.pid}/fd").iterdir()))
            assert held < MAX_CONNECTIONS + 100
            assert is_closed_within(idle[-1], HEAD_WITHIN_S + 3)
        assert kiosk.log.stat().st_size < 2000


def test_half_sent_headers_lock_nobody_out_and_are_closed(kiosk):
    with connections(kiosk, MAX_PER_ADDRESS, b"GET /health HTTP/1.1\r\nHost: 127") as half:
        answers_soon(kiosk)
        started = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - started < HEAD_WITHIN_S + 5:
                half[-1].sendall(b"0")  # a byte now and then does not make it last longer
                time.sleep(0.5)
        assert time.monotonic() - started < HEAD_WITHIN_S + 3


def test_connection_that_sends_half_a_second_request_is_closed(kiosk):
    with connections(kiosk, 1, f"GET /health HTTP/1.1\r\nHost: {urlsplit(kiosk.url).netloc}\r\n\r\nGET".encode()) as [
        one
    ]:
        assert b"200" in one.recv(100)
        assert is_closed_within(one, HEAD_WITHIN_S + 3)


def test_idle_connections_before_the_tls_handshake_lock_nobody_out(start_kiosk, tls_options):
    with start_kiosk("--lan", *tls_options) as kiosk, connections(kiosk, IDLE_SOCKETS) as idle:
        import ssl

        trust = ssl.create_default_context(cafile=tls_options[1])
        client = http.client.HTTPSConnection("127.0.0.1", urlsplit(kiosk.url).port, context=trust, timeout=SOON_S)
        client.request("GET", "/health")
        assert client.getresponse().status == 200
        client.close()
        assert is_closed_within(idle[-1], HEAD_WITHIN_S + 3)


@pytest.mark.parametrize("path", ["/gradio_api/heartbeat/a", "/gradio_api/queue/data?session_hash=a", "/", "/record"])
def test_answers_that_nobody_reads_lock_nobody_out(kiosk, path):
    """A connection that is being answered makes no room, so answers have a number."""
    request = f"GET {path} HTTP/1.1\r\nHost: {urlsplit(kiosk.url).netloc}\r\n\r\n"
    with connections(kiosk, MAX_PER_ADDRESS, request.encode()):
        answers_soon(kiosk)


def test_requests_that_fail_fill_no_log(kiosk):
    """Each of these makes gradio write a traceback of 8,000 characters."""
    for _ in range(200):
        with contextlib.suppress(http.client.IncompleteRead):
            kiosk.ask("/gradio_api/queue/data?session_hash=none")
    assert kiosk.log.stat().st_size < 2 * CHARACTERS_PER_MINUTE


def send_large(kiosk, path: str, size: int, chunked: bool) -> int:
    """The status, 0 when the connection was cut off while sending."""
    address = urlsplit(kiosk.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    body = (bytes(MIB) for _ in range(size // MIB))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if not chunked:
        headers["content-length"] = str(size)
    with contextlib.suppress(ConnectionError):
        connection.request("POST", path, body, headers, encode_chunked=chunked)
    try:
        return connection.getresponse().status
    except (ConnectionError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def test_no_route_takes_a_body_of_600_mb(kiosk):
    """0.3.0 took 5.7 GB of memory for one such body at /readers."""
    routes = ("/films", "/login", "/readers", "/logout", "/gradio_api/queue/join", "/gradio_api/run/x", "/nothing")
    ways = [(path, chunked) for path in routes for chunked in (False, True)]
    before = peak_mb(kiosk)
    with ThreadPoolExecutor(len(ways)) as pool:
        statuses = list(pool.map(lambda way: send_large(kiosk, way[0], 600 * MIB, way[1]), ways))
    assert set(statuses) <= {0, 413, 503}, dict(zip(ways, statuses, strict=True))
    assert peak_mb(kiosk) - before < 130
    answers_soon(kiosk)


@pytest.mark.parametrize("path", ["/readers", "/gradio_api/queue/join", "/nothing"])
def test_body_a_little_above_the_limit_gets_a_reason(kiosk, path):
    status, body, _ = kiosk.ask(path, bytes(MAX_BODY_BYTES + 1))
    assert (status, b"64 KiB" in body) == (413, True)


def test_headers_have_a_largest_size(kiosk):
    address = urlsplit(kiosk.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"GET /health HTTP/1.1\r\nHost: {address.netloc}\r\nx-long: ".encode())
        connection.sendall(b"a" * (MAX_HEAD_BYTES + 1))
        assert b" 400 " in connection.recv(100)
    answers_soon(kiosk)


def test_what_is_answered_at_once_leaves_room_for_one_more_of_the_same_address():
    answered = MAX_REQUESTS + MAX_STREAMS + FILMS_AT_ONCE + FILMS_WAITING
    assert answered < MAX_PER_ADDRESS < MAX_CONNECTIONS <= QUEUE


def test_a_peer_that_disappears_is_noticed(kiosk):
    """Its socket has keep-alive on: the kernel asks after 30 s."""
    pid = kiosk.process.pid
    with connections(kiosk, 1) as [one]:
        time.sleep(0.3)
        [ours] = [line for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines() if _is_accepted(line, one)]
        assert ours.split()[5].startswith("02:"), "the kernel's keep-alive timer runs"


def _is_accepted(line: str, client: socket.socket) -> bool:
    fields = line.split()
    return fields[1].endswith(f":{client.getpeername()[1]:04X}") and fields[2].endswith(
        f":{client.getsockname()[1]:04X}"
    )
