"""Keeps the start-up notices of native libraries off standard error. Errors are kept."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
NOTICE = re.compile(
    rb"[IW]\d{4} \d|WARNING: All log messages before absl|To enable the following instructions|"
    rb"INFO: Created TensorFlow Lite|E\d{4} .*failed call to cuInit.*\(303\)"  # 303: this machine has no CUDA driver
)


@contextmanager
def without_notices() -> Iterator[None]:
    """Hold back what native code writes to standard error, then write all of it except notices.

    TensorFlow's first messages ignore TF_CPP_MIN_LOG_LEVEL, because they come before its log is set up, and LiteRT
    has no setting. A system without memory files shows the notices. If the process crashes, what was held is lost.
    """
    if not hasattr(os, "memfd_create"):
        yield
        return
    sys.stderr.flush()
    with open(os.memfd_create("notices"), "w+b") as held:  # noqa: PTH123 (a file descriptor has no path)
        before = os.dup(STDERR)
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, STDERR)
            os.close(before)
            held.seek(0)
            for line in held:
                if not NOTICE.match(line):
                    os.write(STDERR, line)
