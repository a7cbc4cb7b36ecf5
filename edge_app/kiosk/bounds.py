"""Bounds every request before any work and before the login: size, time and number, whatever its route.

A film's body is read by its own route, after the login; the body of any other request is read here. Headers in
which a proxy names another client or host are removed: the kiosk stands behind none.
"""

import asyncio
import heapq
import io
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.imaging.limits import MAX_FILE_BYTES
from edge_app.kiosk.connections import SLOWEST_BYTES_PER_S

FILMS_PATH = "/films"
MAX_BODY_BYTES = 64 * 2**10  # of any request that is not a film: forms, events of the page
SLACK_S = 10.0  # a body must arrive within this time, plus its size at the slowest speed
# With the films, fewer than the connections of one address: there is always room for one more request.
MAX_REQUESTS = 96
MAX_STREAMS = 48
STREAMS = ("/gradio_api/queue/data", "/gradio_api/heartbeat")  # their responses last as long as a page is open
ROOM_BYTES = 8 * 2**20 + MAX_FILE_BYTES  # one film of the largest size, and several usual ones
FILMS_AT_ONCE = 2  # decoded and scored
FILMS_WAITING = 60
# A body that is a little too large is read and dropped: a browser shows the refusal only after it sent everything.
MAX_DROPPED_BYTES = 2 * MAX_FILE_BYTES


# Refusals: status, code, sentence.
TOO_SLOW = (408, "too_slow", "The film arrived too slowly: send it again.")
BUSY = (503, "busy", "The kiosk is busy: send the film again in a moment.")
TOO_LARGE = (413, "file_too_large", f"The file has more than {MAX_FILE_BYTES // 2**20} MiB.")
TOO_LARGE_REQUEST = (413, "too_large", f"A request has at most {MAX_BODY_BYTES // 2**10} KiB.")


class BodyRefused(Exception):
    """A body was not accepted: status, code, sentence."""


def refused(refusal: BodyRefused) -> JSONResponse:
    """The response to a body that was not accepted."""
    status, code, sentence = refusal.args
    return JSONResponse({"status": "error", "reason": {"code": code, "sentence": sentence}}, status)


async def chunks_in_time(receive: Receive, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[bytes]:
    """The chunks of a request's body.

    Raises:
        BodyRefused: it arrives too slowly, or the client went away.
    """
    started, size, more = clock(), 0, True
    while more:
        patience = started + SLACK_S + size / SLOWEST_BYTES_PER_S - clock()
        try:
            message = await asyncio.wait_for(receive(), max(patience, 0))
        except asyncio.TimeoutError as cause:
            raise BodyRefused(*TOO_SLOW) from cause
        if message["type"] != "http.request":
            raise BodyRefused(*TOO_SLOW)
        chunk = message.get("body", b"")
        size, more = size + len(chunk), message.get("more_body", False)
        yield chunk


class Upload:
    """A film while it arrives and while it waits. Its memory is the room's to take back until it is complete."""

    def __init__(self) -> None:
        self._content = io.BytesIO()
        self.size = 0
        self.is_complete = False
        self.gave_way = False

    def add(self, chunk: bytes) -> None:
        """Append a chunk."""
        self._content.write(chunk)
        self.size += len(chunk)

    def give_way(self) -> None:
        """Drop what arrived, for other films."""
        self._content, self.size, self.gave_way = io.BytesIO(), 0, True

    def complete(self) -> bytes:
        """The whole film, without a copy; it no longer gives way."""
        self.is_complete = True
        return self._content.getvalue()


class Uploads:
    """The films that are in memory. Few are scored at once, some wait, the smallest first; further ones are refused."""

    def __init__(
        self, room_bytes: int = ROOM_BYTES, at_once: int = FILMS_AT_ONCE, waiting: int = FILMS_WAITING
    ) -> None:
        self._room_bytes = room_bytes
        self._free = at_once
        self._max_waiting = waiting
        self._uploads: set[Upload] = set()
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = 0

    @asynccontextmanager
    async def film(self, receive: Receive, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[bytes]:
        """Receive a film and wait for its turn; its bytes are in memory until the context ends.

        Raises:
            BodyRefused: too large, too slow, or too many are here.
        """
        upload = Upload()
        self._uploads.add(upload)
        try:
            async for chunk in chunks_in_time(receive, clock):
                self._add(upload, chunk)
            async with self._turn(upload.size):
                yield upload.complete()
        finally:
            self._uploads.discard(upload)

    def _add(self, upload: Upload, chunk: bytes) -> None:
        """Take a chunk. When there is no more room, the largest film that is incomplete gives way."""
        if upload.size + len(chunk) > MAX_FILE_BYTES:
            raise BodyRefused(*TOO_LARGE)
        if not upload.gave_way:
            upload.add(chunk)
        while sum(held.size for held in self._uploads) > self._room_bytes:
            max((held for held in self._uploads if not held.is_complete), key=lambda held: held.size).give_way()
        if upload.gave_way:
            raise BodyRefused(*BUSY)

    @asynccontextmanager
    async def _turn(self, size: int) -> AsyncIterator[None]:
        if len(self._queue) >= self._max_waiting:
            raise BodyRefused(*BUSY)
        if self._free:
            self._free -= 1
        else:
            self._number += 1
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._queue, (size, self._number, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._next()
                raise
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        while self._queue:
            turn = heapq.heappop(self._queue)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Bounds:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._requests = 0
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on a request whose size and time are bounded."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["headers"] = [(name, value) for name, value in scope["headers"] if not _is_forwarded(name)]
        try:
            await self._pass_on(scope, receive, send)
        except BodyRefused as refusal:
            await refused(refusal)(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, headers = str(scope["path"]), Headers(scope=scope)
        announced = headers.get("content-length", "")
        size = int(announced) if announced.isdigit() else 0
        if path == FILMS_PATH and size > MAX_FILE_BYTES:
            await _drop_body(receive, size, "expect" in headers)
            raise BodyRefused(*TOO_LARGE)
        if path == FILMS_PATH:
            await self.app(scope, receive, send)
            return
        if size > MAX_BODY_BYTES:
            raise BodyRefused(*TOO_LARGE_REQUEST)
        if announced or "transfer-encoding" in headers:
            receive = _replayed(await _whole_body(receive), receive)
        async with self._place(path):
            await self.app(scope, receive, send)

    @asynccontextmanager
    async def _place(self, path: str) -> AsyncIterator[None]:
        """Few responses are made at once. /health always has a place: the machine's watchdog asks for it."""
        if path.startswith(STREAMS):
            if self._streams >= MAX_STREAMS:
                raise BodyRefused(*BUSY)
            self._streams += 1
            try:
                yield
            finally:
                self._streams -= 1
            return
        if self._requests >= MAX_REQUESTS and path != "/health":
            raise BodyRefused(*BUSY)
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1


def _is_forwarded(name: bytes) -> bool:
    return name.startswith((b"x-forwarded", b"forwarded", b"x-real-ip", b"x-original-"))


async def _whole_body(receive: Receive) -> bytes:
    body = bytearray()
    async for chunk in chunks_in_time(receive):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyRefused(*TOO_LARGE_REQUEST)
    return bytes(body)


async def _drop_body(receive: Receive, size: int, asks_first: bool) -> None:
    """Read a body that is too large, unless it is far too large or its client asks before it sends."""
    if size <= MAX_DROPPED_BYTES and not asks_first:
        async for _ in chunks_in_time(receive):
            pass


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body first, then what comes after it."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
