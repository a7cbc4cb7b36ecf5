"""The secret of the audit log, and how far the log had come: two files outside the database.

Who can write the database but not read `audit.key` can neither forge an entry nor change a row unnoticed. `audit.head`
names the last entry, so that entries cut off at the end are missed.
"""

import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from edge_app.system.files import write_private

KEY_FILE = "audit.key"
HEAD_FILE = "audit.head"
KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class AuditKey:
    """A secret of 32 bytes; `id` names it without revealing it."""

    secret: bytes

    @property
    def id(self) -> str:
        """8 hexadecimal digits."""
        return hashlib.sha256(b"audit key " + self.secret).hexdigest()[:8]


@dataclass(frozen=True)
class Head:
    """The last entry of the log when this was written; the log may have grown since."""

    seq: int
    hash: str


def read_key(folder: Path) -> AuditKey | None:
    """The key; None if there is none, or the file is damaged."""
    try:
        text = (folder / KEY_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return AuditKey(bytes.fromhex(text)) if KEY.fullmatch(text) else None


def make_key(folder: Path) -> AuditKey:
    """Make a new key; a damaged one stays under another name.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / KEY_FILE
    if path.exists():
        path.replace(path.with_name(f"{KEY_FILE}-damaged-{secrets.token_hex(2)}"))
    key = AuditKey(secrets.token_bytes(32))
    write_private(path, f"{key.secret.hex()}\n".encode())
    return key


def read_head(folder: Path) -> Head | None:
    """How far the log had come; None if no file says so."""
    try:
        return Head(*json.loads((folder / HEAD_FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_head(folder: Path, head: Head) -> None:
    """Say how far the log has come. Not flushed to the disk: after a power cut an older head holds as well.

    Raises:
        OSError: it cannot be written.
    """
    temporary = folder / f".{HEAD_FILE}.{os.getpid()}"
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump([head.seq, head.hash], file)
        temporary.replace(folder / HEAD_FILE)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
