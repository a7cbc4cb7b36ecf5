"""A client that sends its film slowly delays nobody for long."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.app import SLACK_S, SLOWEST_BYTES_PER_S, BodyRefused, _body
from edge_app.kiosk.upload_limit import FILMS_AT_ONCE


class Trickle:
    """A request whose body comes in pieces, at fixed intervals of its own clock."""

    def __init__(self, pieces: int, size: int, seconds: float) -> None:
        self.now = 0.0
        self._pieces, self._size, self._seconds = pieces, size, seconds

    def clock(self) -> float:
        return self.now

    async def stream(self) -> AsyncIterator[bytes]:
        for _ in range(self._pieces):
            self.now += self._seconds
            yield b"x" * self._size


def taken_in(request: Trickle) -> bytes:
    return asyncio.run(_body(request, request.clock))


def test_slow_film_is_taken_in_as_long_as_it_keeps_coming():
    assert len(taken_in(Trickle(pieces=100, size=64_000, seconds=1.0))) == 6_400_000


def test_film_that_trickles_is_refused_once_the_slack_is_used_up():
    request = Trickle(pieces=1000, size=int(SLOWEST_BYTES_PER_S / 2), seconds=1.0)
    with pytest.raises(BodyRefused, match="too_slow"):
        taken_in(request)
    assert request.now == pytest.approx(2 * SLACK_S, abs=2), "it gains half a second a second on the limit"


def test_slow_clients_in_every_place_do_not_keep_the_next_film_out(kiosk):
    address = urlsplit(kiosk.url)
    head = f"POST /films HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 100000\r\n\r\n".encode()
    slow = [socket.create_connection((address.hostname, address.port)) for _ in range(FILMS_AT_ONCE)]
    try:
        for connection in slow:
            connection.sendall(head + b"a few bytes")
        time.sleep(0.5)
        started = time.monotonic()
        assert kiosk.ask("/health")[0] == 200
        status, _, _ = kiosk.ask("/films", phantom_png("viral", 1))
        assert (status, time.monotonic() - started < SLACK_S + 30) == (200, True)
        assert b" 408 " in slow[0].recv(100)
    finally:
        for connection in slow:
            connection.close()
