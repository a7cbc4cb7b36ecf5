"""The record: drafts, reviews, readers and the audit log in one SQLite file.

Whatever was acknowledged survives a power cut: write-ahead log, synchronous=FULL, one transaction per
act, into the file that is the record at that moment. The database holds no name, birth date, file name or film. A
broken database is renamed, never deleted, and a new one is started, but only by what serves the record.
"""

import ctypes
import hashlib
import hmac
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edge_app.errors import StoreError
from edge_app.model.card import ModelIdentity
from edge_app.reading.answer import decision_as_json, decision_from_json
from edge_app.reading.decision import Decision
from edge_app.records import audit
from edge_app.system.clock import machine_time
from edge_app.system.files import make_private

FILE_NAME = "records.sqlite3"
BUSY_MS = 5000  # how long a process waits while another one writes
VERDICTS = ("agree", "disagree", "unsure")
WITHDRAWN = "withdrawn"
FINDINGS = ("normal", "pneumonia", "bacterial", "viral", "other", "unusable")
ID_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, 1, I and O: read aloud, written by hand
ID_LENGTH = 10  # 50 bits: enough to be unique within one clinic

# One script per schema version. Never change a released script: add the next.
MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE records (
        id TEXT PRIMARY KEY, created_at TEXT NOT NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL,
        age_years REAL, p_pneumonia REAL NOT NULL, decision TEXT NOT NULL, answer TEXT NOT NULL,
        warnings TEXT NOT NULL, model TEXT NOT NULL, runtime TEXT NOT NULL);
    CREATE INDEX records_by_fingerprint ON records (fingerprint);
    CREATE TABLE reviews (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, record_id TEXT NOT NULL REFERENCES records (id),
        at TEXT NOT NULL, reader TEXT NOT NULL, verdict TEXT NOT NULL, finding TEXT NOT NULL,
        own_impression TEXT NOT NULL, region TEXT NOT NULL);
    CREATE INDEX reviews_by_record ON reviews (record_id);
    CREATE TRIGGER reviews_no_update BEFORE UPDATE ON reviews
        BEGIN SELECT RAISE(ABORT, 'a review is never changed, only followed by another'); END;
    CREATE TRIGGER records_no_update BEFORE UPDATE ON records
        BEGIN SELECT RAISE(ABORT, 'a draft is never changed'); END;
    CREATE TABLE readers (
        initials TEXT PRIMARY KEY, salt BLOB NOT NULL, pin_hash BLOB NOT NULL, created_at TEXT NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0, locked_until TEXT NOT NULL DEFAULT '');
    """
    + audit.SCHEMA,
    """
    ALTER TABLE records ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE records ADD COLUMN uptime_s REAL;
    """
    + audit.MACHINE_TIME,
    # `failures` and `locked_until` of readers are no longer used: `locks` counts by place, and by time since the start.
    """
    ALTER TABLE readers ADD COLUMN role TEXT NOT NULL DEFAULT 'reader';
    ALTER TABLE readers ADD COLUMN removed_at TEXT NOT NULL DEFAULT '';
    CREATE TABLE locks (
        initials TEXT NOT NULL, entry TEXT NOT NULL, failures INTEGER NOT NULL, lock_s REAL NOT NULL,
        boot_id TEXT NOT NULL, uptime_s REAL NOT NULL, PRIMARY KEY (initials, entry));
    """,
)


@dataclass(frozen=True)
class Draft:
    """The model's decision on one film, before review. `source` is "page", "watch" or "dicom".

    `film_sha256` is used only for a keyed fingerprint.
    """

    id: str
    film_sha256: str
    decision: Decision
    model: ModelIdentity
    runtime: str
    source: str = "page"
    age_years: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Review:
    """What a reader signed. `region` is left, top, right, bottom as fractions 0..1 of the film, or empty.

    `own_impression` is the finding that the reader named before seeing the model's answer, or "".
    """

    record_id: str
    reader: str
    verdict: str
    finding: str
    own_impression: str = ""
    region: tuple[float, ...] = ()
    at: str = ""


@dataclass(frozen=True)
class Record:
    """A draft with its last review, unless that was withdrawn.

    `boot_id` and `uptime_s` are an `edge_app.system.clock.MachineTime`, for devices without a clock.
    """

    id: str
    created_at: str
    source: str
    age_years: float | None
    decision: Decision
    warnings: tuple[str, ...]
    model: ModelIdentity
    runtime: str
    review: Review | None = field(default=None)
    boot_id: str = ""
    uptime_s: float | None = None

    @property
    def status(self) -> str:
        """Signed when a reader's review stands, else draft: "signed" or "draft"."""
        return "signed" if self.review else "draft"


def new_record_id() -> str:
    """A random ID that reveals nothing about the patient, the file or the order."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def open_store(folder: Path, may_set_aside: bool = False) -> "Store":
    """Open the record in a folder. Creates it if there is none.

    Args:
        may_set_aside: rename a broken one and begin a new one. Only for what serves the record: a command that
            reads it must not take it away from a running kiosk.
    Raises:
        StoreError: the folder cannot be written, a newer kit made the database, or it is broken.
    """
    path = folder / FILE_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return Store(path)
        except _Broken as cause:
            if not may_set_aside:
                next_step = "start the kiosk, which sets it aside, or restore the last back-up"
                raise StoreError(f"{path} is damaged: {cause}: {next_step}") from cause
            aside = _set_aside(path)
        store = Store(path, set_aside=aside)
        store.note("kiosk", "broken database set aside", detail=aside.name)
        return store
    except (OSError, sqlite3.Error) as cause:
        raise StoreError(f"the record in {folder} cannot be opened: {cause}: check the disk") from cause


class Store:
    """An open record; use `open_store`. Safe for several threads; several processes may hold one."""

    def __init__(self, path: Path, set_aside: Path | None = None) -> None:
        self.path = path
        self.set_aside = set_aside
        self._lock = threading.RLock()
        make_private(path)  # SQLite gives its log files the same mode
        self._identity = _identity(path)
        self._db = sqlite3.connect(path, timeout=BUSY_MS / 1e3, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file; SQLite merges the write-ahead log into it."""
        with self._lock:
            self._db.close()

    def is_current(self) -> bool:
        """Whether the open file is still the one at its path: not deleted, renamed or replaced."""
        return self._identity is not None and _identity(self.path) == self._identity

    def abandon(self) -> None:
        """Stop using a file that is no longer the record, without closing it.

        On closing, SQLite would delete the write-ahead log by its name, which may belong to the new record by now.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._db))

    def add_draft(self, draft: Draft) -> None:
        """Record a draft. When this returns, the draft is on the disk.

        Raises:
            StoreError: it could not be written; no part of it is stored.
        """
        with self.writing() as db:
            db.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    draft.id,
                    audit.now(),
                    draft.source,
                    self._fingerprint(draft.film_sha256),
                    draft.age_years,
                    draft.decision.p_finding,
                    draft.decision.decision,
                    json.dumps(decision_as_json(draft.decision)),
                    json.dumps(draft.warnings),
                    json.dumps(asdict(draft.model)),
                    draft.runtime,
                    *machine_time(),
                ),
            )
            audit.note(db, "kiosk", "draft", draft.id, draft.decision.decision)

    def add_review(self, review: Review) -> None:
        """Record what a reader signed; a later review of the same record follows the earlier one.

        The caller has checked the reader's PIN (`edge_app.records.readers`).

        Raises:
            StoreError: no such record, an unknown verdict or finding, or it could not be written.
        """
        if review.verdict not in VERDICTS or review.finding not in FINDINGS:
            raise StoreError(f"a review says {VERDICTS} and {FINDINGS}, got {review.verdict}, {review.finding}")
        self._append(review, f"{review.verdict}: {review.finding}")

    def withdraw(self, record_id: str, reader: str) -> None:
        """Withdraw the last review: the record is a draft again, and both acts stay in the log."""
        self._append(Review(record_id, reader, WITHDRAWN, ""), "review withdrawn")

    def record(self, record_id: str) -> Record | None:
        """One record, None when there is none with that id."""
        found = self._select("WHERE records.id = ?", (record_id,))
        return found[0] if found else None

    def records(self, status: str = "", limit: int = -1) -> list[Record]:
        """List records: drafts by urgency, signed and all records with the newest first.

        Args:
            status: "draft", "signed", or "" for all. Newest means last recorded, whatever the clock said.
            limit: the largest number of records; -1 for all.
        """
        signed = f"(reviews.verdict IS NOT NULL AND reviews.verdict != '{WITHDRAWN}')"
        where = {"": "", "signed": f"WHERE {signed}", "draft": f"WHERE NOT {signed}"}[status]
        order = "p_pneumonia DESC, records.rowid" if status == "draft" else "records.rowid DESC"
        return self._select(f"{where} ORDER BY {order} LIMIT ?", (limit,))

    def find_film(self, film_sha256: str) -> str | None:
        """The ID of the latest record made from the same file, None if there is none."""
        query = "SELECT id FROM records WHERE fingerprint = ? ORDER BY rowid DESC LIMIT 1"
        with self.reading() as db:
            row = db.execute(query, (self._fingerprint(film_sha256),)).fetchone()
        return row[0] if row else None

    def audit_log(self) -> list[audit.AuditEntry]:
        """The audit log, the oldest entry first; `audit.broken_link` checks it."""
        with self.reading() as db:
            return audit.entries(db)

    def note(self, actor: str, action: str, subject: str = "", detail: str = "") -> None:
        """Add any other act to the audit log, such as an export or a back-up."""
        with self.writing() as db:
            audit.note(db, actor, action, subject, detail)

    def purge(self, before: str, now: str) -> int:
        """Delete signed records whose signature is older than a time; drafts stay until they are signed.

        A record is as young as any that was recorded before it, because its own clock may have been behind. One
        that comes from the future stays.

        Args:
            before, now: ISO 8601, UTC.
        Returns:
            How many were deleted; the audit log says so.
        """
        old, latest = [], ""
        for record in reversed(self.records()):
            if record.created_at <= now:
                latest = max(latest, record.created_at)
            if record.review and max(latest, record.created_at, record.review.at) < before:
                old.append(record.id)
        with self.writing() as db:
            for record_id in old:
                db.execute("DELETE FROM reviews WHERE record_id = ?", (record_id,))
                db.execute("DELETE FROM records WHERE id = ?", (record_id,))
            if old:
                audit.note(db, "kiosk", "purge", detail=f"{len(old)} records from before {before}")
        return len(old)

    def back_up(self, target: Path) -> None:
        """Write a consistent copy, for example to a USB stick. It is written to the target's folder, then renamed.

        Raises:
            StoreError: the target cannot be written; an existing file stays as it was.
        """
        temporary = target.with_name(f".{target.name}.part")
        try:
            temporary.unlink(missing_ok=True)
            make_private(temporary)
            with self._lock:
                copy = sqlite3.connect(temporary)
                try:
                    self._db.backup(copy)
                finally:
                    copy.close()
            temporary.replace(target)
        except (OSError, sqlite3.Error) as cause:
            temporary.unlink(missing_ok=True)
            raise StoreError(f"no back-up was written to {target}: {cause}") from cause
        self.note("kiosk", "back-up")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one or several reads."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as cause:
                raise StoreError(f"the record cannot be read: {cause}") from cause

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: afterwards all of it is on the disk and in the record.

        Raises:
            StoreError: none of it is; or the file is no longer the record, which holds none of it either.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
                if not self.is_current():
                    raise StoreError(
                        f"{self.path} was deleted or replaced while it was in use: nothing was saved in it"
                    )
            except BaseException as cause:
                self._roll_back()
                if isinstance(cause, sqlite3.Error):
                    raise StoreError(f"the record cannot be written: {cause}") from cause
                raise

    def _prepare(self) -> None:
        try:
            self._use_write_ahead_log()
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            found = self._db.execute("PRAGMA quick_check").fetchone()[0]
            if found != "ok":
                raise _Broken(found)
            self._migrate()
        except sqlite3.OperationalError:
            raise  # the disk or a lock: a new database would not help
        except sqlite3.DatabaseError as cause:
            raise _Broken(str(cause)) from cause

    def _use_write_ahead_log(self) -> None:
        """Switch to a write-ahead log; wait if another process is doing so, because SQLite does not."""
        patience = time.monotonic() + BUSY_MS / 1e3
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > patience:
                    raise
                time.sleep(0.02)

    def _migrate(self) -> None:
        """Bring the schema up to date in one transaction, since two processes may start at once."""
        with self.writing() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise StoreError(f"{self.path} has schema {version}, this kit knows {len(MIGRATIONS)}: update the kit")
            for statement in _statements("".join(MIGRATIONS[version:])):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            db.execute("INSERT OR IGNORE INTO meta VALUES ('site_key', ?)", (secrets.token_hex(32),))
            self._site_key = db.execute("SELECT value FROM meta WHERE key = 'site_key'").fetchone()[0]

    def _fingerprint(self, film_sha256: str) -> str:
        """Keyed by the site, so that nobody who has a film can look it up in another site's export."""
        return hmac.new(self._site_key.encode(), film_sha256.encode(), hashlib.sha256).hexdigest()[:32]

    def _append(self, review: Review, detail: str) -> None:
        with self.writing() as db:
            if not db.execute("SELECT 1 FROM records WHERE id = ?", (review.record_id,)).fetchone():
                raise StoreError(f"there is no record {review.record_id}")
            db.execute(
                "INSERT INTO reviews (record_id, at, reader, verdict, finding, own_impression, region)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    review.record_id,
                    audit.now(),
                    review.reader,
                    review.verdict,
                    review.finding,
                    review.own_impression,
                    json.dumps(review.region),
                ),
            )
            audit.note(db, review.reader, "review", review.record_id, detail)

    def _select(self, tail: str, values: tuple) -> list[Record]:
        query = (
            "SELECT id, created_at, source, age_years, answer, warnings, model, runtime, boot_id, uptime_s,"
            " reader, verdict, finding, own_impression, region, at FROM records LEFT JOIN reviews"
            " ON reviews.seq = (SELECT MAX(seq) FROM reviews WHERE record_id = records.id) "
        )
        with self.reading() as db:
            rows = db.execute(query + tail, values).fetchall()
        try:
            return [_record(row) for row in rows]
        except (ValueError, TypeError, AttributeError) as cause:  # a flipped bit that SQLite's check does not detect
            raise StoreError(f"{self.path} holds a damaged record: restore the last back-up") from cause

    def _roll_back(self) -> None:
        """A full disk may have ended the transaction already."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


class _Broken(Exception):
    """SQLite reports that the file is damaged or not a database."""


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to; None for none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements; a trigger contains semicolons of its own."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _set_aside(path: Path) -> Path:
    """Rename a broken database with its log files; `records-broken-20261121T034500Z.sqlite3`."""
    stamp = audit.now().replace("-", "").replace(":", "")
    aside = path.with_name(f"{path.stem}-broken-{stamp}-{secrets.token_hex(2)}{path.suffix}")
    for tail in ("-wal", "-shm", ""):
        source = path.with_name(path.name + tail)
        if source.exists():
            source.replace(aside.with_name(aside.name + tail))
    return aside


def _record(row: tuple) -> Record:
    reader, verdict, finding, own_impression, region, at = row[10:]
    review = None
    if verdict is not None and verdict != WITHDRAWN:
        review = Review(row[0], reader, verdict, finding, own_impression, tuple(json.loads(region)), at)
    return Record(
        id=row[0],
        created_at=row[1],
        source=row[2],
        age_years=row[3],
        decision=decision_from_json(json.loads(row[4])),
        warnings=tuple(json.loads(row[5])),
        model=ModelIdentity(**json.loads(row[6])),
        runtime=row[7],
        review=review,
        boot_id=row[8],
        uptime_s=row[9],
    )
