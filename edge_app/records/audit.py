"""The audit log: who did what, when, and which rows that wrote. Entries are only added, each chained to the last.

An entry holds the digest of every row that its act wrote, or that the row was deleted, and is sealed with the key
that lies outside the database (`audit_key`). `audit_check` compares log and rows.
"""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from edge_app.errors import StoreError
from edge_app.records.audit_key import AuditKey, Head
from edge_app.system.clock import machine_time
from edge_app.system.files import sha256_of

# The tables whose rows are sealed: the column that names a row, and columns that may change without an entry.
SEALED = {
    "records": ("id", ()),
    "reviews": ("seq", ()),
    "visits": ("seq", ()),
    "refused_films": ("id", ()),
    "purged_films": ("fingerprint", ()),
    "readers": ("initials", ("failures", "locked_until")),
}
REPLACED, NEW_KEY = "record replaced", "audit key replaced"  # acts that the kiosk notes at its start
Row = tuple[str, Any]  # table, and the value of the column that names the row


@dataclass(frozen=True)
class AuditEntry:
    """One entry. `at` is UTC, ISO 8601; `subject` is a record id, initials, or empty.

    `boot_id` and `uptime_s` are an `edge_app.system.clock.MachineTime`. `written` is JSON: the digest of each row,
    by "table/name", null for a deleted one. `key_id` names the key that sealed it. Older versions wrote none of these.
    """

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    hash: str
    boot_id: str = ""
    uptime_s: float | None = None
    written: str = ""
    key_id: str = ""


class Act:
    """One transaction on the record; what it changes it notes in the log."""

    def __init__(self, db: sqlite3.Connection, key: AuditKey | None) -> None:
        self._db = db
        self.key = key
        self.head: Head | None = None  # the last entry that this act added

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._db.execute(sql, values)

    def insert(self, table: str, **values: Any) -> Row:
        """Add a row.

        Returns:
            The row, for `note`.
        """
        columns, gaps = ", ".join(values), ", ".join("?" * len(values))
        cursor = self._db.execute(f"INSERT INTO {table} ({columns}) VALUES ({gaps})", tuple(values.values()))
        return table, values.get(SEALED[table][0], cursor.lastrowid)

    def note(self, actor: str, action: str, subject: str = "", detail: str = "", written: Sequence[Row] = ()) -> None:
        """Add an entry within this transaction, so that no act is recorded without it.

        Args:
            written: the rows that the act wrote or deleted.
        Raises:
            StoreError: the key is not there.
        """
        if self.key is None:
            raise StoreError("audit.key is missing, so nothing can be recorded: copy it here, or start the kiosk")
        last = self._db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (last[0] + 1, last[1]) if last else (1, "")
        digests = {f"{table}/{name}": digest_of(self._db, (table, name)) for table, name in written}
        row = (seq, now(), actor, action, subject, detail)
        tail = (*machine_time(), json.dumps(digests) if digests else "", self.key.id)
        link = sealed_link(self.key, previous, (*row, *tail))
        self._db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, link, *tail))
        self.head = Head(seq, link)


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def entries(db: sqlite3.Connection) -> list[AuditEntry]:
    """All entries, the oldest first."""
    return [AuditEntry(*row) for row in db.execute("SELECT * FROM audit ORDER BY seq")]


def all_rows(db: sqlite3.Connection) -> list[Row]:
    """Every row that must be sealed."""
    return [(table, name) for table, (key, _) in SEALED.items() for (name,) in db.execute(f"SELECT {key} FROM {table}")]


def digest_of(db: sqlite3.Connection, row: Row) -> str | None:
    """The digest of a row's columns, None if there is no such row."""
    table, name = row
    key, free = SEALED[table]
    cursor = db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (name,))
    values = cursor.fetchone()
    if values is None:
        return None
    columns = {column[0]: value for column, value in zip(cursor.description, values, strict=True)}
    held = {name: value for name, value in columns.items() if name not in free}
    return sha256_of(json.dumps(held, default=bytes.hex, sort_keys=True).encode())


def sealed_link(key: AuditKey, previous: str, row: tuple) -> str:
    """The hash of an entry: it follows from the one before, and nobody can make it without the key."""
    return hmac.new(key.secret, json.dumps([previous, *row]).encode(), hashlib.sha256).hexdigest()


def plain_link(previous: str, row: tuple) -> str:
    """The hash of an entry of schema 1 to 3, which anybody can make."""
    return sha256_of(json.dumps([previous, *row]).encode())
