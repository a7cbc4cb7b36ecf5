"""What the pool and a worker process say to each other: one line of JSON, with one open file.

The file goes along as a descriptor, so a film's bytes and pixels are copied once and never parsed.
"""

import json
import os
import socket
import tempfile
from typing import Any

from edge_app.imaging.limits import MAX_MESSAGE_BYTES


class ChannelClosed(Exception):
    """The other side has ended, or sent what is no message."""


def send(channel: socket.socket, fields: dict[str, Any], file: int | None = None) -> None:
    """Send a message.

    Raises:
        OSError: the other side has ended.
    """
    line = json.dumps(fields).encode() + b"\n"
    if len(line) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message has {len(line)} bytes, at most {MAX_MESSAGE_BYTES} are sent")
    sent = socket.send_fds(channel, [line], [] if file is None else [file])
    channel.sendall(line[sent:])


def receive(channel: socket.socket) -> tuple[dict[str, Any], int | None]:
    """Receive a message, and the descriptor that came with it, which is then the caller's to close.

    Raises:
        ChannelClosed: the other side has ended, or sent no message.
        TimeoutError: nothing came within the channel's timeout.
    """
    line, files = b"", list[int]()
    try:
        while not line.endswith(b"\n"):
            part, came, _, _ = socket.recv_fds(channel, MAX_MESSAGE_BYTES, 1)
            files += came
            line += part
            if not part or len(line) > MAX_MESSAGE_BYTES:
                raise ChannelClosed
        fields = json.loads(line)
        if not isinstance(fields, dict) or len(files) > 1:
            raise ChannelClosed
        return fields, files.pop() if files else None
    except (ValueError, ConnectionError) as cause:
        raise ChannelClosed from cause
    finally:
        for file in files:
            os.close(file)


def memory_file() -> int:
    """An open file in memory; on a system without these, a temporary file that has no name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("film")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def write_all(file: int, content: memoryview | bytes) -> None:
    """Write everything.

    Raises:
        OSError: there is no room.
    """
    rest = memoryview(content).cast("B")
    while rest:
        rest = rest[os.write(file, rest) :]


def read_into(file: int, buffer: memoryview) -> bool:
    """Fill a buffer from the beginning of a file; returns whether the file had exactly that many bytes."""
    if os.fstat(file).st_size != len(buffer):
        return False
    at = 0
    while at < len(buffer):
        part = os.pread(file, min(len(buffer) - at, 2**20), at)
        if not part:
            return False
        buffer[at : at + len(part)] = part
        at += len(part)
    return True
