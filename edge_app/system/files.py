"""Writing files so that a power cut leaves the old content or the new, never a part of it.

What is about patients or readers is private: `write_private` and `make_private` are the only ways to such a file.
"""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file in the same folder, fsync, rename, fsync the folder. Every user may read it.

    Raises:
        OSError: the disk is full or read-only; `path` is then as it was.
    """
    write_together({path: content})


def write_private(path: Path, content: bytes) -> None:
    """The same for a file that no other user may read, not even for a moment."""
    write_together({path: content}, PRIVATE)


def make_private(path: Path) -> None:
    """Create a file if there is none, and let no other user read it. A disk that fails is left to whoever writes."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, PRIVATE))
        if path.stat().st_mode & 0o077:
            path.chmod(PRIVATE)


def write_together(contents: dict[Path, bytes], mode: int = PUBLIC) -> None:
    """Write files that belong together: none is renamed into place before all are on the disk.

    Args:
        mode: PUBLIC or PRIVATE.
    Raises:
        OSError: the disk is full or read-only; every path is then as it was.
    """
    staged: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            staged[path] = Path(name)
            _fill(handle, content, path)
        for path, temporary in staged.items():
            if mode != PRIVATE:
                temporary.chmod(mode)  # mkstemp makes 0600, which another user's kiosk could not read
            temporary.replace(path)
    except BaseException:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in contents}:
        sync_folder(folder)


def _fill(handle: int, content: bytes, path: Path) -> None:
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as cause:  # the system's own message about a full disk names no file
        raise OSError(cause.errno, cause.strerror, str(path)) from cause


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
