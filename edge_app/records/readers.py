"""Readers and technicians: who may sign and who may log in, by initials and PIN.

PINs are stored as scrypt hashes, so that guessing is slow. Wrong PINs are counted before they are checked, apart
for signing and for logging in, and locks last by a clock that nobody can set.
"""

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_app.errors import ReaderRefused
from edge_app.records import audit
from edge_app.records.database import Store
from edge_app.system.clock import MachineTime, machine_time

INITIALS = re.compile(r"[A-Z0-9]{2,8}")
PIN = re.compile(r"[0-9]{4,12}")
READER, TECHNICIAN = ROLES = ("reader", "technician")
LOCKED_FOR_S = 300.0  # doubled with each further lock
LONGEST_LOCK_S = 24 * 3600.0
# 16 MiB and about 50 ms on a desktop: affordable on a Pi Zero 2, expensive to guess.
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}
HASHED_AT_ONCE = threading.BoundedSemaphore(2)  # many attempts at once would fill a small machine's memory


@dataclass(frozen=True)
class Reader:
    """Somebody who is enrolled. A reader may sign and enrol others; a technician may only hand in films."""

    initials: str
    role: str = READER

    @property
    def may_sign(self) -> bool:
        """Whether it is a reader."""
        return self.role == READER


@dataclass(frozen=True)
class PinEntry:
    """Where a PIN is entered. Wrong PINs at one place lock no other one."""

    name: str
    max_failures: int = 5  # in a row; after each further as many the lock lasts twice as long


SIGNING = (PinEntry("sign"),)


def login_entries(address: str) -> tuple[PinEntry, ...]:
    """The login, for one address and for all of them: guesses from elsewhere lock a reader out much later."""
    return PinEntry(f"login {address}"), PinEntry("login", 50)


def add_reader(
    store: Store, initials: str, pin: str, actor: str = "kiosk", role: str = READER, only_first: bool = False
) -> str:
    """Enrol a reader or a technician.

    Args:
        only_first: refuse if anybody was enrolled before.
    Returns:
        The initials as they are kept: upper case.
    Raises:
        ReaderRefused: they exist already, or initials, PIN or role are not of the right form.
        StoreError: it could not be written.
    """
    name, (salt, pin_hash) = _named(initials), _secret(pin)
    if role not in ROLES:
        raise ReaderRefused("role_form", f"A role is {' or '.join(ROLES)}, not {role}.")
    with store.writing() as act:
        if only_first and act.execute("SELECT 1 FROM readers").fetchone():
            raise ReaderRefused("not_first", "A reader is enrolled already.")
        if act.execute("SELECT 1 FROM readers WHERE initials = ?", (name,)).fetchone():
            raise ReaderRefused("initials_taken", f"{name} is taken: choose other initials.", initials=name)
        row = act.insert("readers", initials=name, salt=salt, pin_hash=pin_hash, created_at=audit.now(), role=role)
        act.note(actor, f"{role} added", name, written=[row])
    return name


def enrol(store: Store, new: Reader, pin: str, by: tuple[str, str], at_the_machine: bool) -> str:
    """Enrol somebody from the page: the first reader at the machine itself, later ones by a reader.

    Args:
        by: initials and PIN of the reader who enrols; ignored for the first one.
        at_the_machine: the request came from this machine.
    Raises:
        ReaderRefused: as `add_reader` and `check_signer`.
        StoreError: it could not be written.
    """
    if not was_anybody_enrolled(store):
        if not at_the_machine:
            raise ReaderRefused("first_elsewhere", "The first reader is added at the kiosk itself.")
        return add_reader(store, new.initials, pin, "first start", READER, only_first=True)
    actor = check_signer(store, *by)
    return add_reader(store, new.initials, pin, actor, new.role)


def check_reader(
    store: Store,
    initials: str,
    pin: str,
    entries: Sequence[PinEntry] = SIGNING,
    clock: Callable[[], MachineTime] = machine_time,
) -> Reader:
    """Check initials and PIN. The attempt counts as a failure until its PIN was right.

    Args:
        entries: where the PIN was entered.
        clock: the time since the machine's start.
    Raises:
        ReaderRefused: wrong, unknown or locked. The message is the same for unknown and wrong.
        StoreError: the count of failures could not be written; then nobody is let in.
    """
    name = _named(initials)
    with store.writing() as act:
        query = "SELECT salt, pin_hash, role FROM readers WHERE initials = ? AND removed_at = ''"
        found = act.execute(query, (name,)).fetchone()
        locked = _count(act, name, entries, clock()) if found else []
    salt, pin_hash, role = found or (b"no such reader..", b"", "")
    if not hmac.compare_digest(_hash(pin, salt), pin_hash):
        for entry in locked:
            store.note("kiosk", "reader locked", name, entry.name)
        if not was_anybody_enrolled(store):
            raise ReaderRefused("no_reader", "No reader is enrolled yet: add one before signing.")
        raise ReaderRefused("wrong_pin", "Initials or PIN are wrong.")
    _forget(store, name, [entry.name for entry in entries])
    return Reader(name, role)


def check_signer(store: Store, initials: str, pin: str) -> str:
    """Check initials and PIN of a person who signs or enrols.

    Returns:
        The initials as they are kept.
    Raises:
        ReaderRefused: as `check_reader`, and for a technician.
    """
    reader = check_reader(store, initials, pin)
    if not reader.may_sign:
        raise ReaderRefused(
            "technician", f"{reader.initials} is a technician: a reader must do this.", initials=reader.initials
        )
    return reader.initials


def unlock(store: Store, initials: str, actor: str) -> None:
    """Forget somebody's wrong PINs.

    Raises:
        ReaderRefused: nobody of these initials is enrolled.
    """
    name = _enrolled(store, initials)
    with store.writing() as act:
        act.execute("DELETE FROM locks WHERE initials = ?", (name,))
        act.note(actor, "reader unlocked", name)


def remove(store: Store, initials: str, actor: str) -> None:
    """Let somebody neither sign nor log in any more. What they signed stays, and nobody else gets their initials.

    Raises:
        ReaderRefused: nobody of these initials is enrolled.
    """
    name = _enrolled(store, initials)
    with store.writing() as act:
        act.execute("UPDATE readers SET removed_at = ? WHERE initials = ?", (audit.now(), name))
        act.note(actor, "reader removed", name, written=[("readers", name)])


def set_pin(store: Store, initials: str, pin: str, actor: str) -> None:
    """Give somebody a new PIN, and forget wrong ones.

    Raises:
        ReaderRefused: nobody of these initials is enrolled, or the PIN is not of the right form.
    """
    name, (salt, pin_hash) = _enrolled(store, initials), _secret(pin)
    with store.writing() as act:
        act.execute("UPDATE readers SET salt = ?, pin_hash = ? WHERE initials = ?", (salt, pin_hash, name))
        act.execute("DELETE FROM locks WHERE initials = ?", (name,))
        act.note(actor, "PIN changed", name, written=[("readers", name)])


def readers(store: Store) -> list[Reader]:
    """Everybody who is enrolled, in order of initials."""
    with store.reading() as db:
        rows = db.execute("SELECT initials, role FROM readers WHERE removed_at = '' ORDER BY initials").fetchall()
    return [Reader(*row) for row in rows]


def was_anybody_enrolled(store: Store) -> bool:
    """Whether the first start is over; somebody who was removed counts."""
    with store.reading() as db:
        return db.execute("SELECT 1 FROM readers").fetchone() is not None


def credential(store: Store, initials: str) -> str:
    """A value that changes when somebody is removed or gets a new PIN; "" for nobody. It reveals no PIN."""
    query = "SELECT salt FROM readers WHERE initials = ? AND removed_at = ''"
    with store.reading() as db:
        row = db.execute(query, (initials,)).fetchone()
    return bytes(row[0]).hex() if row else ""


def _count(act: audit.Act, name: str, entries: Sequence[PinEntry], now: MachineTime) -> list[PinEntry]:
    """Count one failure at each place.

    Returns:
        The places that are locked from now on.
    Raises:
        ReaderRefused: one was locked before.
    """
    query = "SELECT failures, lock_s, boot_id, uptime_s FROM locks WHERE initials = ? AND entry = ?"
    rows = [act.execute(query, (name, entry.name)).fetchone() or (0, 0.0, "", 0.0) for entry in entries]
    wait_s = max(_left_s(lock_s, MachineTime(boot, uptime), now) for _, lock_s, boot, uptime in rows)
    if wait_s > 0:
        minutes = f"{int(wait_s // 60) + 1}"
        sentence = f"Too many wrong PINs: wait {minutes} minutes, or ask for `reviews unlock`."
        raise ReaderRefused("locked", sentence, minutes=minutes)
    locked = []
    for entry, (before, *_) in zip(entries, rows, strict=True):
        failures, lock_s = before + 1, 0.0
        if failures % entry.max_failures == 0:
            lock_s = min(LOCKED_FOR_S * 2 ** min(failures // entry.max_failures - 1, 10), LONGEST_LOCK_S)
            locked.append(entry)
        values = (name, entry.name, failures, lock_s, *now)
        act.execute("INSERT OR REPLACE INTO locks VALUES (?, ?, ?, ?, ?, ?)", values)
    return locked


def _left_s(lock_s: float, begun: MachineTime, now: MachineTime) -> float:
    """How long a lock still lasts. When the machine was started again, it begins anew with that start."""
    passed = now.uptime_s - (begun.uptime_s if begun.boot_id == now.boot_id else 0.0)
    return lock_s - max(passed, 0.0)


def _forget(store: Store, name: str, entries: list[str]) -> None:
    with store.writing() as act:
        for entry in entries:
            act.execute("DELETE FROM locks WHERE initials = ? AND entry = ?", (name, entry))


def _enrolled(store: Store, initials: str) -> str:
    name = _named(initials)
    if name not in {reader.initials for reader in readers(store)}:
        raise ReaderRefused("not_enrolled", f"Nobody called {name} is enrolled.", initials=name)
    return name


def _named(initials: str) -> str:
    name = initials.strip().upper()
    if not INITIALS.fullmatch(name):
        raise ReaderRefused("initials_form", "Initials are 2 to 8 letters or digits.")
    return name


def _secret(pin: str) -> tuple[bytes, bytes]:
    """A salt and the hash of a new PIN."""
    if not PIN.fullmatch(pin):
        raise ReaderRefused("pin_form", "A PIN has 4 to 12 digits.")
    salt = secrets.token_bytes(16)
    return salt, _hash(pin, salt)


def _hash(pin: str, salt: bytes) -> bytes:
    with HASHED_AT_ONCE:
        return hashlib.scrypt(pin.encode(), salt=salt, dklen=32, **SCRYPT)
