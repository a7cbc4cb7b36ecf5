"""Readers: who may sign, by initials and PIN. PINs are stored as scrypt hashes, so that guessing is slow."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta, timezone

from edge_app.errors import ReaderRefused
from edge_app.records import audit
from edge_app.records.database import Store

INITIALS = re.compile(r"[A-Z0-9]{2,8}")
PIN = re.compile(r"[0-9]{4,12}")
MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=5)  # doubled with each further MAX_FAILURES
LONGEST_LOCK = timedelta(days=1)
# 16 MiB and about 50 ms on a desktop: affordable on a Pi Zero 2, expensive to guess.
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}


def add_reader(store: Store, initials: str, pin: str, actor: str = "kiosk") -> str:
    """Enrol a reader.

    Returns:
        The initials as they are kept: upper case.
    Raises:
        ReaderRefused: they exist already, or initials or PIN are not of the right form.
        StoreError: it could not be written.
    """
    name = _named(initials)
    if not PIN.fullmatch(pin):
        raise ReaderRefused("A PIN has 4 to 12 digits.")
    salt = secrets.token_bytes(16)
    with store.writing() as db:
        if db.execute("SELECT 1 FROM readers WHERE initials = ?", (name,)).fetchone():
            raise ReaderRefused(f"{name} is taken: choose other initials.")
        row = (name, salt, _hash(pin, salt), audit.now())
        db.execute("INSERT INTO readers (initials, salt, pin_hash, created_at) VALUES (?, ?, ?, ?)", row)
        audit.note(db, actor, "reader added", name)
    return name


def check_reader(store: Store, initials: str, pin: str, at: datetime | None = None) -> str:
    """Check initials and PIN. After every MAX_FAILURES failures in a row the reader is locked, each time for longer.

    Args:
        at: the time; now when left out.
    Returns:
        The initials as they are kept.
    Raises:
        ReaderRefused: wrong, unknown or locked. The message is the same for unknown and wrong.
        StoreError: the count of failures could not be written; then nobody is let in.
    """
    name, moment = _named(initials), at or datetime.now(timezone.utc)
    with store.writing() as db:
        row = db.execute("SELECT salt, pin_hash, failures, locked_until FROM readers WHERE initials = ?", (name,))
        salt, pin_hash, failures, locked_until = row.fetchone() or (b"no such reader..", b"", 0, "")
        if locked_until > moment.isoformat():
            raise ReaderRefused(f"Too many wrong PINs: wait until {locked_until[11:16]} UTC.")
        right = hmac.compare_digest(_hash(pin, salt), pin_hash)
        failures = 0 if right else failures + 1
        until = ""
        if failures and failures % MAX_FAILURES == 0 and pin_hash:
            doublings = min(failures // MAX_FAILURES - 1, 10)
            until = (moment + min(LOCKED_FOR * 2**doublings, LONGEST_LOCK)).isoformat()
            audit.note(db, "kiosk", "reader locked", name)
        db.execute("UPDATE readers SET failures = ?, locked_until = ? WHERE initials = ?", (failures, until, name))
    if not right:
        raise ReaderRefused("Initials or PIN are wrong.")
    return name


def reader_names(store: Store) -> list[str]:
    """The initials of all readers, in order."""
    with store.reading() as db:
        return [row[0] for row in db.execute("SELECT initials FROM readers ORDER BY initials")]


def _named(initials: str) -> str:
    name = initials.strip().upper()
    if not INITIALS.fullmatch(name):
        raise ReaderRefused("Initials are 2 to 8 letters or digits.")
    return name


def _hash(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, dklen=32, **SCRYPT)
