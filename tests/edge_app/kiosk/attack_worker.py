"""Attacks a kiosk from one address until it is killed; run by `test_kiosk_attack.py`, in a process of its own.

    python attack_worker.py PORT PATH

PATH is where wrong PINs go. Each attacker begins again as soon as it is cut off.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Awaitable, Callable

IDLE, SLOW, LARGE, GUESSING = 200, 50, 20, 10
CHUNK = bytes(256 * 2**10)
LARGE_BYTES = 60 * 2**20  # just small enough to be a film


class Attack:
    """What the attackers do on one connection each."""

    def __init__(self, port: int, path: str) -> None:
        self.port, self.path = port, path
        self.host = f"Host: 127.0.0.1:{port}\r\n"

    async def idle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Says nothing, or half a request."""
        writer.write(random.choice((b"", b"GET /health HTTP/1.1\r\nHo")))
        await reader.read()

    async def slow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Sends a film byte by byte."""
        writer.write(f"POST /films HTTP/1.1\r\n{self.host}Content-Length: 1000000\r\n\r\n".encode())
        while not reader.at_eof():
            writer.write(b"x")
            await writer.drain()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(reader.read(100), 0.5)

    async def large(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Sends a large film, or an endless form."""
        path = random.choice(("/films", "/films", self.path, "/gradio_api/queue/join"))
        length = f"Content-Length: {LARGE_BYTES}" if path == "/films" else "Transfer-Encoding: chunked"
        writer.write(f"POST {path} HTTP/1.1\r\n{self.host}{length}\r\n\r\n".encode())
        for _ in range(LARGE_BYTES // len(CHUNK)):
            writer.write(CHUNK if path == "/films" else b"%x\r\n%b\r\n" % (len(CHUNK), CHUNK))
            await writer.drain()
        await reader.read(1000)

    async def guessing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tries a PIN."""
        form = f"initials=AB&pin={random.randrange(10**4):04}&by_initials=AB&by_pin={random.randrange(10**4):04}"
        kind = "Content-Type: application/x-www-form-urlencoded\r\n"
        head = f"POST {self.path} HTTP/1.1\r\n{self.host}{kind}Content-Length: {len(form)}\r\n\r\n"
        writer.write((head + form).encode())
        await reader.read(1000)

    async def again_and_again(self, act: Callable[..., Awaitable[None]]) -> None:
        """One attacker."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    await act(reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0.01)


async def main(port: int, path: str) -> None:
    """Attack until killed."""
    attack = Attack(port, path)
    attackers = ((IDLE, attack.idle), (SLOW, attack.slow), (LARGE, attack.large), (GUESSING, attack.guessing))
    await asyncio.gather(*(attack.again_and_again(act) for count, act in attackers for _ in range(count)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
