"""Checks the record against its audit log: what was changed, added, deleted or cut off, and which row it was."""

import json
import sqlite3
from collections.abc import Iterator

from edge_app.records.audit import NEW_KEY, REPLACED, AuditEntry, all_rows, digest_of, entries, plain_link, sealed_link
from edge_app.records.audit_key import AuditKey, Head
from edge_app.records.schema import guards


def check_record(db: sqlite3.Connection, key: AuditKey | None, head: Head | None) -> list[str]:
    """Compare the log with its key, and every row with the log.

    Args:
        key: None if the file is missing.
        head: how far the log had come.
    Returns:
        A sentence for each finding; none when all is as the log says.
    """
    log = entries(db)
    return [*_chain(log, key), *_end(log, head), *_guards(db), *_rows(db, log)]


def _chain(log: list[AuditEntry], key: AuditKey | None) -> Iterator[str]:
    """The first entry that does not follow from those before it, and entries that this key cannot confirm."""
    previous, unconfirmed = "", []
    for expected, entry in enumerate(log, start=1):
        if entry.key_id and (key is None or entry.key_id != key.id):
            unconfirmed.append(entry.seq)
        if entry.seq != expected or not _follows(entry, previous, key):
            yield f"the log was changed at entry {expected}"
            return
        if not entry.key_id and expected > 1 and log[expected - 2].key_id:
            yield f"entry {entry.seq} has no seal"
        previous = entry.hash
    if unconfirmed:
        why = "audit.key is missing" if key is None else "they were sealed with another key than audit.key"
        yield f"entries {unconfirmed[0]} to {unconfirmed[-1]} cannot be confirmed: {why}"


def _follows(entry: AuditEntry, previous: str, key: AuditKey | None) -> bool:
    row: tuple = (entry.seq, entry.at, entry.actor, entry.action, entry.subject, entry.detail)
    if entry.key_id:
        if key is None or entry.key_id != key.id:
            return True
        tail = (entry.boot_id, entry.uptime_s, entry.written, entry.key_id)
        return entry.hash == sealed_link(key, previous, (*row, *tail))
    if entry.uptime_s is not None:
        row += (entry.boot_id, entry.uptime_s)
    return entry.hash == plain_link(previous, row)


def is_end_of(log: list[AuditEntry], head: Head) -> bool:
    """Whether the log has come as far as a head says, and is the same up to there."""
    return len(log) >= head.seq and log[head.seq - 1].hash == head.hash


def _end(log: list[AuditEntry], head: Head | None) -> Iterator[str]:
    """Whether it was cut off or replaced, now or before a start of the kiosk."""
    if head and not is_end_of(log, head):
        what = "was rewritten up to" if len(log) >= head.seq else f"ends at entry {len(log)}, but went on to"
        yield f"the log {what} entry {head.seq}: entries were cut off or changed, or a back-up was restored"
    for entry in log:
        if entry.action in (REPLACED, NEW_KEY):
            yield f"entry {entry.seq}: {entry.action}: {entry.detail}"


def _guards(db: sqlite3.Connection) -> Iterator[str]:
    found = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    expected = guards()
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            yield f"the trigger {name} was {'changed' if name in found and name in expected else 'dropped or added'}"


def _rows(db: sqlite3.Connection, log: list[AuditEntry]) -> Iterator[str]:
    """Every row that is not as the last entry about it says."""
    expected: dict[str, str] = {}
    subjects: dict[str, str] = {}
    for entry in log:
        for row, digest in json.loads(entry.written or "{}").items():
            subjects[row] = entry.subject
            if digest is None:
                expected.pop(row, None)
            else:
                expected[row] = digest
    present = {f"{table}/{name}": digest_of(db, (table, name)) for table, name in all_rows(db)}
    for row in sorted(expected.keys() | present.keys()):
        if expected.get(row) == present.get(row):
            continue
        what = "changed" if row in expected and row in present else "deleted" if row in expected else "inserted"
        table, _, name = row.partition("/")
        about = f" of {subjects[row]}" if subjects.get(row, "") not in ("", name) else ""
        yield f"row {name}{about} in {table} was {what}"
