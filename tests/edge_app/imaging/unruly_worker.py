"""The real worker with a decoder that does what the first word of a file says; run by `test_decoder.py`."""

import ctypes
import time

import numpy as np

from edge_app.imaging.decoder.worker import main
from edge_app.imaging.formats.base import Film

FILM = np.arange(100 * 120, dtype=np.uint16).reshape(100, 120).astype(np.uint8)


def read(content: bytes, _: int | None) -> Film:
    """Crash, hang in C, sleep, swell, or return a small film."""
    word = content.split()[0]
    if word == b"crash":
        ctypes.string_at(0)
    elif word == b"hang":
        pow(7, 10**9)  # in C, without letting go of the interpreter's lock
    elif word == b"sleep":
        time.sleep(60)
    elif word == b"swell":
        bytearray(2**31)
    elif word == b"raise":
        raise RuntimeError("\x1b[31m")
    return Film(FILM, 120, 100)


if __name__ == "__main__":
    main(read)
