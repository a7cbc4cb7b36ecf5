"""A standard error that nobody can flood: what a client causes again and again is logged only so often."""

import time
from collections.abc import Callable
from typing import TextIO

CHARACTERS_PER_MINUTE = 32_768
MINUTE_S = 60.0


class BoundedLog:
    """A stream that passes on a bounded number of characters per minute, and then says how many it dropped."""

    encoding = "utf-8"

    def __init__(
        self, stream: TextIO, per_minute: int = CHARACTERS_PER_MINUTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._per_minute = per_minute
        self._clock = clock
        self._began = clock()
        self._passed = self._dropped = 0

    def write(self, text: str) -> int:
        """Write, or drop what is too much."""
        if self._clock() - self._began >= MINUTE_S:
            if self._dropped:
                self._stream.write(f"edge_app: {self._dropped} characters of the log were dropped\n")
            self._began, self._passed, self._dropped = self._clock(), 0, 0
        if self._passed + len(text) > self._per_minute:
            self._dropped += len(text)
        else:
            self._passed += len(text)
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what was passed on."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The descriptor of the stream underneath."""
        return self._stream.fileno()
