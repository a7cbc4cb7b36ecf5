"""The DICOM receiver's connections, bounded before pynetdicom sees a byte: number, size and time.

pynetdicom reads as much as a PDU announces, waits without limit for the rest of one, and counts idle connections
among its associations. Imported only by `dicom_receiver`, because it needs pynetdicom.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

from edge_app.imaging.limits import MAX_FILE_BYTES

MAX_PER_PEER = 4
MAX_PDU_BYTES = 256 * 2**10  # the receiver asks for less; a request for an association may need more
PDU_WITHIN_S = 30.0  # from a PDU's first byte to its last
# With pynetdicom's own timeouts: a peer that is connected and says nothing is disconnected.
ASSOCIATE_WITHIN_S = 10.0
IDLE_S = 30.0
PEEK_EVERY_S = 0.05
MAX_MESSAGE_BYTES = MAX_FILE_BYTES + 2**20  # a film of the largest size and what frames it
HEADER = struct.Struct(">BBL")  # PS3.8 9.3: type, reserved, length
P_DATA = 4


class PeerConnection(socket.socket):
    """A peer's connection. Reading raises an error once a PDU or a message is too large or too slow."""

    def attach(self, server: "BoundedServer", address: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Say where it belongs, right after it was accepted."""
        self.server = server
        self.address = address
        self.since = clock()
        self.message_bytes = 0
        self._clock = clock
        self._header = b""
        self._left = 0
        self._until = 0.0

    def has_begun(self) -> bool:
        """Wait for the first PDU's header, which stays unread; False if it does not come."""
        until = self._clock() + ASSOCIATE_WITHIN_S
        try:
            while (left_s := until - self._clock()) > 0:
                self.settimeout(left_s)
                head = super().recv(HEADER.size, socket.MSG_PEEK)
                if len(head) in (0, HEADER.size):
                    return bool(head)
                time.sleep(PEEK_EVERY_S)
        except OSError:
            pass
        return False

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Read, and check what is read.

        Raises:
            OSError: too large or too slow; pynetdicom then drops the association.
        """
        if not (self._left or self._header):
            self._until = self._clock() + PDU_WITHIN_S
        self.settimeout(max(self._until - self._clock(), 0.001))
        data = super().recv(size, flags)
        self._check(data)
        return data

    def _check(self, data: bytes) -> None:
        while data:
            if self._left:
                taken = min(self._left, len(data))
                self._left, data = self._left - taken, data[taken:]
                continue
            taken = HEADER.size - len(self._header)
            self._header, data = self._header + data[:taken], data[taken:]
            if len(self._header) == HEADER.size:
                kind, _, self._left = HEADER.unpack(self._header)
                self._header = b""
                self._check_size(kind)

    def _check_size(self, kind: int) -> None:
        if self._left > MAX_PDU_BYTES:
            raise ConnectionAbortedError(f"a PDU announces {self._left} bytes, at most {MAX_PDU_BYTES} are read")
        self.message_bytes += self._left if kind == P_DATA else 0
        if self.message_bytes > MAX_MESSAGE_BYTES:
            raise ConnectionAbortedError(f"a film has more than {MAX_FILE_BYTES} bytes")

    def shutdown(self, how: int) -> None:
        """End it; a peer that is already gone is no error, so that it is closed afterwards."""
        with contextlib.suppress(OSError):
            super().shutdown(how)

    def close(self) -> None:
        """Close it and stop counting it."""
        self.server.forget(self)
        super().close()


class BoundedServer(ThreadedAssociationServer):
    """An association server for known addresses; each holds a few connections, and an idle one makes room."""

    request_queue_size = 64
    daemon_threads = True

    def __init__(self, *arguments: Any, is_known: Callable[[str], bool], **options: Any) -> None:
        self._is_known = is_known
        self._connections: set[PeerConnection] = set()
        self._lock = threading.Lock()
        super().__init__(*arguments, **options)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        accepted, address = super().get_request()
        connection = PeerConnection(fileno=accepted.detach())
        connection.attach(self, address[0])
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether this connection may stay; closes an idle one of the same address if there are too many."""
        if not self._is_known(client_address[0]):
            return False
        with self._lock:
            others = [each for each in self._connections if each.address == request.address]
            idle = [each for each in others if not each.message_bytes]
            if len(others) >= MAX_PER_PEER and not idle:
                return False
            self._connections.add(request)
            leaving = min(idle, key=lambda each: each.since) if len(others) >= MAX_PER_PEER else None
            self._connections.discard(leaving)
        if leaving:
            leaving.shutdown(socket.SHUT_RDWR)  # pynetdicom's thread then ends and closes it
        return True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Hand a connection to pynetdicom once it says something: an idle one costs no association."""
        if request.has_begun():
            super().process_request_thread(request, client_address)
        else:
            self.shutdown_request(request)

    def forget(self, connection: PeerConnection) -> None:
        """Stop counting a connection."""
        with self._lock:
            self._connections.discard(connection)
