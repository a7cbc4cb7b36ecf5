"""Arrays too large for memory: written once, row by row, and then read from the disk as they are needed."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from edge_app.errors import DataError

FOLDER_VARIABLE = "TMPDIR"
# On many systems /tmp is in memory, and this one never.
DEFAULT_FOLDER = Path("/var/tmp")


def stack_on_disk(arrays: Iterable[np.ndarray], most: int) -> np.ndarray:
    """Stack arrays of one shape and type as `np.stack` does, in a file: memory holds only what is being read.

    The file has no name. So it is gone when nothing uses the result any more, and after a kill, too.

    Args:
        arrays: are taken one by one.
        most: how many there may be; room for them is reserved before the second one is taken.
    Returns:
        (arrays, ...), not to be written to; without any array uint8 (0, 0, 0).
    Raises:
        DataError: the disk has no room for them.
    """
    arrays = iter(arrays)
    first = next(arrays, None)
    if first is None:
        return np.zeros((0, 0, 0), np.uint8)
    folder = Path(os.environ.get(FOLDER_VARIABLE) or (DEFAULT_FOLDER if DEFAULT_FOLDER.exists() else Path()))
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, most * first.nbytes)
        except OSError as cause:
            raise DataError(
                f"{folder} has no room for {most:,} films of {first.nbytes:,} bytes: {cause.strerror}, "
                f"{shutil.disk_usage(folder).free:,} bytes are free: name another folder with {FOLDER_VARIABLE}"
            ) from cause
        written = sum(file.write(np.ascontiguousarray(array).data) for array in chain([first], arrays))
        file.truncate()  # room that was not needed
        return np.asarray(np.memmap(file, first.dtype, "r", shape=(written // first.nbytes, *first.shape)))
