"""A client that sends its film slowly, or a very large one, delays nobody for long and fills no memory."""

import asyncio
import socket
import time
from urllib.parse import urlsplit

import pytest

from edge_app.imaging.limits import MAX_FILE_BYTES
from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.bounds import ROOM_BYTES, SLACK_S, SLOWEST_BYTES_PER_S, BodyRefused, Uploads

MIB = 2**20


class Trickle:
    """A request whose body comes in pieces, at fixed intervals of its own clock."""

    def __init__(self, pieces: int, size: int, seconds: float = 0.0) -> None:
        self.now = 0.0
        self._left, self._size, self._seconds = pieces, size, seconds

    def clock(self) -> float:
        return self.now

    async def receive(self) -> dict:
        await asyncio.sleep(0)
        self.now += self._seconds
        self._left -= 1
        return {"type": "http.request", "body": b"x" * self._size, "more_body": self._left > 0}


async def taken_in(uploads: Uploads, request: Trickle) -> int:
    async with uploads.film(request.receive, request.clock) as content:
        return len(content)


def test_slow_film_is_taken_in_as_long_as_it_keeps_coming():
    assert asyncio.run(taken_in(Uploads(), Trickle(pieces=100, size=64_000, seconds=1.0))) == 6_400_000


def test_film_that_trickles_is_refused_once_the_slack_is_used_up():
    request = Trickle(pieces=1000, size=int(SLOWEST_BYTES_PER_S / 2), seconds=1.0)
    with pytest.raises(BodyRefused, match="too_slow"):
        asyncio.run(taken_in(Uploads(), request))
    assert request.now == pytest.approx(2 * SLACK_S, abs=2), "it gains half a second a second on the limit"


def test_film_without_an_announced_length_is_cut_off_at_the_limit():
    with pytest.raises(BodyRefused, match="file_too_large"):
        asyncio.run(taken_in(Uploads(), Trickle(pieces=1000, size=MIB)))


def test_a_film_of_the_largest_size_gets_in():
    assert asyncio.run(taken_in(Uploads(), Trickle(MAX_FILE_BYTES // MIB, MIB))) == MAX_FILE_BYTES


def test_large_films_give_way_to_a_small_one_and_never_fill_the_memory():
    async def crowd() -> tuple[list, int, int]:
        uploads, most = Uploads(), 0
        large = [asyncio.create_task(taken_in(uploads, Trickle(60, MIB))) for _ in range(20)]
        small = asyncio.create_task(taken_in(uploads, Trickle(4, MIB // 4)))
        while not all(task.done() for task in (*large, small)):
            await asyncio.sleep(0)
            most = max(most, sum(upload.size for upload in uploads._uploads))
        ends = [task.exception() or task.result() for task in large]
        return ends, most, small.result()

    ends, most, small = asyncio.run(crowd())
    assert small == MIB
    assert most <= ROOM_BYTES
    assert 60 * MIB in ends, "one of them gets in"
    assert all("busy" in str(end) for end in ends if end != 60 * MIB)


def test_few_films_are_scored_at_once_the_smallest_is_next_and_more_are_refused():
    async def crowd() -> tuple[int, list[int], list[bool]]:
        uploads, order = Uploads(at_once=2, waiting=3), []
        inside = most_at_once = 0

        async def film(size: int) -> None:
            nonlocal inside, most_at_once
            async with uploads.film(Trickle(1, size).receive):
                inside += 1
                most_at_once = max(most_at_once, inside)
                await asyncio.sleep(0.01)
                order.append(size)
                inside -= 1

        ends = await asyncio.gather(*(film(size) for size in (900, 901, 800, 700, 600, 500)), return_exceptions=True)
        assert await asyncio.gather(film(1), film(2), film(3)) == [None] * 3, "the places are free again"
        return most_at_once, order[:5], [isinstance(end, BodyRefused) for end in ends]

    assert asyncio.run(crowd()) == (2, [900, 901, 600, 700, 800], [False] * 5 + [True])


def test_slow_clients_hold_no_place(kiosk):
    """In 0.3.0 four clients that sent a few bytes held the next film up until the slack was used up."""
    address = urlsplit(kiosk.url)
    head = f"POST /films HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 100000\r\n\r\n".encode()
    slow = [socket.create_connection((address.hostname, address.port)) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(head + b"a few bytes")
        started = time.monotonic()
        assert kiosk.ask("/health")[0] == 200
        assert kiosk.ask("/films", phantom_png("viral", 1))[0] == 200
        assert time.monotonic() - started < SLACK_S / 2
        slow[0].settimeout(2 * SLACK_S)
        assert b" 408 " in slow[0].recv(100)
    finally:
        for connection in slow:
            connection.close()
