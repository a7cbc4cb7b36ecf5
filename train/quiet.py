"""Keeping the start-up notices of native libraries off standard error. Errors are kept."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
NOTICE = re.compile(
    rb"[IW]\d{4} \d|WARNING: All log messages before absl|To enable the following instructions|"
    rb"INFO: Created TensorFlow Lite|E\d{4} .*failed call to cuInit.*\(303\)"  # 303: this machine has no CUDA driver
)


@contextmanager
def without_notices() -> Iterator[None]:
    """Hold back what native code writes to standard error, then write all of it but the notices.

    TensorFlow's first messages ignore TF_CPP_MIN_LOG_LEVEL: they come before its log is set up.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
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
