"""The kiosk's connections: how many there are, how long one may be idle, and which one makes room for the next.

uvicorn's own limit refuses every request once enough connections are open, even if none of them ever
sent a byte, and asyncio does not count a connection before its TLS handshake is complete. Here a connection is
counted when it is accepted. When there are too many, one that is not being answered is closed and the new one
stays. So nobody can shut others out by holding connections.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 512
MAX_PER_ADDRESS = 384
HEAD_WITHIN_S = 10.0  # from accepting a connection, or from the last response, to the end of a request's headers
MAX_HEAD_BYTES = 16 * 2**10
# A client may take this long to receive a response, plus its size at the slowest speed.
UNSENT_WITHIN_S = 30.0
SLOWEST_BYTES_PER_S = 32_000.0  # a poor wireless link
# What arrives of a body after its response is read up to here, so that its sender sees the response; then no more.
MAX_UNREAD_BYTES = 2**20
SWEEP_EVERY_S = 1.0
QUEUE = 512  # connections that may wait before the system drops more
ACCEPT_AT_ONCE = 16  # accepted in one go, before any of them is served
# A peer that disappeared without a word is noticed after 30 + 3 x 10 seconds.
KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class Stage(IntEnum):
    """How far a connection's current request is, in the order in which connections make room."""

    WAITING = 0  # no complete request: idle, sending headers, or in the TLS handshake
    RECEIVING = 1  # the request's body is incomplete
    ANSWERING = 2


class Connection(socket.socket):
    """An accepted connection; it leaves its listener's count when it is closed."""

    def attach(self, listener: "Listener", address: str) -> None:
        """Say where it belongs, right after it was accepted."""
        self.listener = listener
        self.address = address
        self.since = listener.clock()
        self.unsent_since = 0.0
        self.protocol: H11Protocol | None = None

    @property
    def stage(self) -> Stage:
        """How far its current request is."""
        cycle = self.protocol.cycle if self.protocol else None
        if cycle is None or cycle.response_complete:
            return Stage.WAITING
        return Stage.RECEIVING if cycle.more_body else Stage.ANSWERING

    def is_overdue(self, now: float) -> bool:
        """Whether its headers or the client's reading take too long. Bodies have a limit of their own (`bounds`)."""
        if self.stage is Stage.WAITING and now - self.since > HEAD_WITHIN_S:
            return True
        unsent = self.protocol.transport.get_write_buffer_size() if self.protocol else 0
        if not unsent:
            self.unsent_since = now
        return now - self.unsent_since > UNSENT_WITHIN_S + unsent / SLOWEST_BYTES_PER_S

    def drop(self) -> None:
        """Close it at once."""
        self.listener.connections.discard(self)
        if self.protocol:
            self.protocol.transport.abort()
        else:  # in the TLS handshake
            try:
                self.shutdown(socket.SHUT_RDWR)
            except OSError:
                self.close()

    def close(self) -> None:
        """Close it and stop counting it."""
        self.listener.connections.discard(self)
        super().close()


class Listener(socket.socket):
    """A listening socket that counts the connections that it accepted, and makes room for new ones."""

    def __init__(self, family: socket.AddressFamily, clock: Callable[[], float] = time.monotonic) -> None:
        # With the protocol named, asyncio turns Nagle's delay off (40 ms per response).
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.clock = clock
        self.connections: set[Connection] = set()
        self._sweeping = False
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE:
            self.setsockopt(socket.IPPROTO_TCP, option, value)

    def listen(self, _backlog: int = QUEUE) -> None:
        """Listen; asyncio's value is ignored, because it is also how many connections asyncio accepts at once."""
        super().listen(QUEUE)

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection.

        Raises:
            BlockingIOError: none is waiting, or there was no room for the one that was.
        """
        accepted, peer = super().accept()
        connection = Connection(fileno=accepted.detach())
        connection.attach(self, peer[0])
        self._sweep_from_now_on()
        if not self._make_room(connection.address):
            connection.close()
            raise BlockingIOError("every connection is being answered")
        self.connections.add(connection)
        return connection, peer

    def protocol(self, **arguments: Any) -> H11Protocol:
        """Make the protocol of an accepted connection; for `uvicorn.Config(http=...)`."""
        return _Protocol(self, **arguments)

    def _make_room(self, address: str) -> bool:
        count = Counter(connection.address for connection in self.connections)
        if count[address] >= MAX_PER_ADDRESS:
            candidates = [connection for connection in self.connections if connection.address == address]
        elif len(self.connections) >= MAX_CONNECTIONS:
            candidates = list(self.connections)
        else:
            return True
        candidates = [connection for connection in candidates if connection.stage < Stage.ANSWERING]
        if not candidates:
            return False
        # Of those at the earliest stage, the oldest one of the address that holds most.
        min(candidates, key=lambda found: (found.stage, -count[found.address], found.since)).drop()
        return True

    def _sweep_from_now_on(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep)

    def _sweep(self) -> None:
        now = self.clock()
        for connection in [found for found in self.connections if found.is_overdue(now)]:
            connection.drop()
        asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep)


class _Protocol(H11Protocol):
    """uvicorn's protocol; it says to which connection it belongs, and when a response is complete."""

    def __init__(self, listener: Listener, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._listener = listener
        self._connection: Connection | None = None
        self._unread_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Find the connection that was accepted."""
        super().connection_made(transport)
        number = transport.get_extra_info("socket").fileno()
        self._connection = next((each for each in self._listener.connections if each.fileno() == number), None)
        if self._connection is None:  # it made room for another one during its TLS handshake
            transport.abort()
        else:
            self._connection.protocol = self

    def data_received(self, data: bytes) -> None:
        """Take what arrived, unless it belongs to a request that has its response."""
        super().data_received(data)
        has_response = self.cycle is not None and self.cycle.response_complete
        if not (has_response and self.conn.their_state is h11.SEND_BODY):
            self._unread_bytes = 0
            return
        self._unread_bytes += len(data)
        if self._unread_bytes > MAX_UNREAD_BYTES:
            self.flow.pause_reading()  # it is closed when the next request's headers are overdue

    def on_response_complete(self) -> None:
        """The connection waits for its next request from now on."""
        if self._connection:
            self._connection.since = self._listener.clock()
        super().on_response_complete()
