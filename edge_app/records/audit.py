"""The audit log: who did what, and when. Rows can only be added, and each is chained to the one before.

A changed or removed row breaks the chain, and `broken_link` says where. The log cannot detect rows cut
off at its end: compare its last hash with the one in the last back-up.
"""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timezone

from edge_app.system.clock import machine_time
from edge_app.system.files import sha256_of

SCHEMA = """
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
    subject TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
"""
MACHINE_TIME = """
ALTER TABLE audit ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN uptime_s REAL;
"""


@dataclass(frozen=True)
class AuditEntry:
    """One row. `at` is UTC, ISO 8601; `subject` is a record id, initials, or empty.

    `boot_id` and `uptime_s` are an `edge_app.system.clock.MachineTime`; rows written by older versions have none.
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


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def note(db: sqlite3.Connection, actor: str, action: str, subject: str = "", detail: str = "") -> None:
    """Add one row within the caller's transaction, so that no act is recorded without its entry."""
    last = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = (last[0] + 1, last[1]) if last else (1, "")
    row, moment = (seq, now(), actor, action, subject, detail), machine_time()
    values = (*row, _link(previous, (*row, *moment)), *moment)
    db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def entries(db: sqlite3.Connection) -> list[AuditEntry]:
    """All rows, the oldest first."""
    return [AuditEntry(*row) for row in db.execute("SELECT * FROM audit ORDER BY seq")]


def broken_link(log: list[AuditEntry]) -> int | None:
    """The number of the first row that does not follow from those before it; None when all do."""
    previous = ""
    for expected, entry in enumerate(log, start=1):
        row: tuple = (entry.seq, entry.at, entry.actor, entry.action, entry.subject, entry.detail)
        if entry.uptime_s is not None:
            row += (entry.boot_id, entry.uptime_s)
        if entry.seq != expected or entry.hash != _link(previous, row):
            return expected
        previous = entry.hash
    return None


def _link(previous: str, row: tuple) -> str:
    return sha256_of(json.dumps([previous, *row]).encode())
