"""Writing files so that a power cut leaves the old content or the new, never a part of it."""

import hashlib
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file in the same folder, fsync, rename, fsync the folder.

    Raises:
        OSError: the disk is full or read-only; `path` is then as it was.
    """
    write_together({path: content})


def write_together(contents: dict[Path, bytes]) -> None:
    """Write files that belong together: none is renamed into place before all are on the disk.

    Raises:
        OSError: the disk is full or read-only; every path is then as it was.
    """
    staged: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            staged[path] = Path(name)
            _fill(handle, content)
        for path, temporary in staged.items():
            temporary.chmod(0o644)  # mkstemp makes 0600, which another user's kiosk could not read
            temporary.replace(path)
    except BaseException:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in contents}:
        sync_folder(folder)


def _fill(handle: int, content: bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to the disk: a rename is safe only once its folder is flushed."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sha256_of(content: bytes) -> str:
    """SHA-256 of bytes: 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
