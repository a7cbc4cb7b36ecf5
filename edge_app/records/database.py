"""The record: drafts, reviews, refused films, readers and the audit log in one SQLite file.

Whatever was acknowledged survives a power cut: write-ahead log, synchronous=FULL, one transaction per
act, into the file that is the record at that moment. The database holds no film, file name, name or birth date, but
the label of a visit as the clinic types it. A broken database is renamed, never deleted, and a new one is started,
but only by what serves the record.
"""

import ctypes
import hashlib
import hmac
import json
import logging
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_app.errors import StoreError
from edge_app.imaging.turning import Turning
from edge_app.model.card import ModelIdentity
from edge_app.reading.answer import decision_as_json, decision_from_json
from edge_app.records import audit
from edge_app.records.audit_check import check_record, is_end_of
from edge_app.records.audit_key import HEAD_FILE, make_key, read_head, read_key, write_head
from edge_app.records.record import DISCARDED, Draft, Record, Review, Visit
from edge_app.records.schema import MIGRATIONS, statements
from edge_app.system.clock import machine_time
from edge_app.system.files import make_private

FILE_NAME = "records.sqlite3"
PURGED = "purge"  # the act of deleting an old record
SEALED_SINCE = 4  # the schema whose audit log names the rows
# The records with a score that counts: a draft whose child is not one for the model is a refused film of the same ID.
SCORED = "(SELECT rowid, * FROM records WHERE id NOT IN (SELECT id FROM refused_films)) AS records"
BUSY_MS = 5000  # how long a process waits while another one writes
LOG = logging.getLogger(__name__)


def open_store(folder: Path, serves: bool = False) -> "Store":
    """Open the record in a folder. Creates it if there is none, and brings its tables up to date.

    Args:
        serves: this is the kiosk, which may rename a broken record and begin a new one, and replace a lost key. A
            command must not take the record away from a running kiosk.
    Raises:
        StoreError: the folder cannot be written, a newer kit made the database, or it is broken.
    """
    path = folder / FILE_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return Store(path, serves)
        except _Broken as cause:
            if not serves:
                next_step = "start the kiosk, which sets it aside, or restore the last back-up"
                raise StoreError(f"{path} is damaged: {cause}: {next_step}") from cause
            aside = _set_aside(path)
        store = Store(path, serves, set_aside=aside)
        store.note("kiosk", "broken database set aside", detail=aside.name)
        return store
    except (OSError, sqlite3.Error) as cause:
        raise StoreError(f"the record in {folder} cannot be opened: {cause}: check the disk") from cause


class Store:
    """An open record; use `open_store`. Safe for several threads; several processes may hold one."""

    def __init__(self, path: Path, serves: bool = False, set_aside: Path | None = None) -> None:
        self.path = path
        self.set_aside = set_aside
        self._serves = serves
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
        boot_id, uptime_s = machine_time()
        with self.writing() as act:
            row = act.insert(
                "records",
                id=draft.id,
                created_at=audit.now(),
                source=draft.source,
                fingerprint=self.fingerprint(draft.film_sha256),
                age_years=draft.visit.age_years,
                p_pneumonia=draft.decision.p_finding,
                decision=draft.decision.decision,
                answer=json.dumps(decision_as_json(draft.decision) | _seen_of(draft)),
                warnings=json.dumps(draft.warnings),
                model=json.dumps(asdict(draft.model)),
                runtime=draft.runtime,
                boot_id=boot_id,
                uptime_s=uptime_s,
                label=draft.visit.label,
                sex=draft.visit.sex,
            )
            act.note("kiosk", "draft", draft.id, draft.decision.decision, [row])

    def record(self, record_id: str) -> Record | None:
        """One record, None when there is none with that id."""
        found = self._select("WHERE records.id = ?", (record_id,))
        return found[0] if found else None

    def records(self, status: str = "", limit: int = -1) -> list[Record]:
        """List records: drafts by urgency, the others with the newest first.

        Args:
            status: "draft", "signed", "discarded", or "" for all. Newest means last recorded, whatever the clock said.
            limit: the largest number of records; -1 for all.
        """
        signed, discarded = "COALESCE(reviews.finding, '') != ''", f"COALESCE(reviews.verdict, '') = '{DISCARDED}'"
        where = {
            "": "",
            "signed": f"WHERE {signed}",
            "discarded": f"WHERE {discarded}",
            "draft": f"WHERE NOT {signed} AND NOT {discarded}",
        }[status]
        order = "p_pneumonia DESC, records.rowid" if status == "draft" else "records.rowid DESC"
        return self._select(f"{where} ORDER BY {order} LIMIT ?", (limit,))

    def records_of(self, label: str) -> list[Record]:
        """All records of the visits with a label, the newest first."""
        return self._select("WHERE COALESCE(visits.label, records.label) = ? ORDER BY records.rowid DESC", (label,))

    def find_film(self, film_sha256: str, model_sha256: str = "") -> str | None:
        """The ID of the latest record made from the same file, None if there is none.

        Args:
            model_sha256: only of drafts of this model.
        """
        query = f"SELECT id, model FROM {SCORED} WHERE fingerprint = ? ORDER BY rowid DESC"
        with self.reading() as db:
            for record_id, model in db.execute(query, (self.fingerprint(film_sha256),)):
                if not model_sha256 or json.loads(model)["sha256"] == model_sha256:
                    return record_id
        return None

    def audit_log(self) -> list[audit.AuditEntry]:
        """The audit log, the oldest entry first."""
        with self.reading() as db:
            return audit.entries(db)

    def acts(self) -> int:
        """How many acts the log has: it grows with everything that happens to the record."""
        with self.reading() as db:
            return db.execute("SELECT COALESCE(MAX(seq), 0) FROM audit").fetchone()[0]

    def check(self) -> list[str]:
        """Compare every row with the audit log, and the log with its key; see `check_record`."""
        with self.reading() as db:
            db.execute("BEGIN")
            try:
                return check_record(db, read_key(self.path.parent), read_head(self.path.parent))
            finally:
                db.execute("ROLLBACK")

    def note(self, actor: str, action: str, subject: str = "", detail: str = "") -> None:
        """Add any other act to the audit log, such as an export or a back-up."""
        with self.writing() as act:
            act.note(actor, action, subject, detail)

    def purge(self, before: str, now: str) -> int:
        """Delete what was signed, discarded or, of refused films, seen to before a time; what waits stays.

        A keyed fingerprint of each film is kept, so that a watched folder does not bring it back. A record is as young
        as any that was recorded before it, because its own clock may have been behind. One from the future stays.

        Args:
            before, now: ISO 8601, UTC.
        Returns:
            How many were deleted; the audit log says so, and `purged` which.
        """
        records = [
            (record.id, record.created_at, record.last_act.at if record.last_act and record.status != "draft" else "")
            for record in reversed(self.records())
        ]
        with self.reading() as db:
            refused = db.execute("SELECT id, at, closed_at FROM refused_films ORDER BY rowid").fetchall()
        old = [*_done_before(records, before, now), *_done_before(refused, before, now)]
        with self.writing() as act:
            for record_id in old:
                act.note("kiosk", PURGED, record_id, f"from before {before}", _delete(act, record_id))
        return len(old)

    def was_purged(self, film_sha256: str) -> bool:
        """Whether a record of the same film was deleted because it was old."""
        query = "SELECT 1 FROM purged_films WHERE fingerprint = ?"
        with self.reading() as db:
            return db.execute(query, (self.fingerprint(film_sha256),)).fetchone() is not None

    def purged(self, record_ids: Collection[str]) -> set[str]:
        """Which of some records were deleted because they were old. Any other that is missing was lost."""
        with self.reading() as db:
            found = db.execute("SELECT subject FROM audit WHERE action = ?", (PURGED,))
            return {record_id for (record_id,) in found} & set(record_ids)

    def back_up(self, target: Path) -> None:
        """Write a consistent copy, for example to a USB stick. It is written to the target's folder, then renamed.

        The key stays here: whoever finds the stick cannot forge the record. Keep a copy of `audit.key` elsewhere.

        Raises:
            StoreError: the target cannot be written; an existing file stays as it was.
        """
        try:
            self._copy(target)
        except (OSError, sqlite3.Error) as cause:
            raise StoreError(f"no back-up was written to {target}: {cause}") from cause
        self.note("kiosk", "back-up")

    def fingerprint(self, film_sha256: str) -> str:
        """Keyed by the site, so that nobody who has a film can look it up in another site's export."""
        return hmac.new(self._site_key.encode(), film_sha256.encode(), hashlib.sha256).hexdigest()[:32]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one or several reads."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as cause:
                raise StoreError(f"the record cannot be read: {cause}") from cause

    @contextmanager
    def writing(self) -> Iterator[audit.Act]:
        """One transaction: afterwards all of it is on the disk and in the record.

        Raises:
            StoreError: none of it is; or the file is no longer the record, which holds none of it either.
        """
        with self._lock:
            act = audit.Act(self._db, self._key)
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield act
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
            if act.head:
                try:
                    write_head(self.path.parent, act.head)
                except OSError as cause:  # the act is recorded; a head that is behind is still true
                    LOG.warning("%s cannot be written: %s", HEAD_FILE, cause)

    def _prepare(self) -> None:
        self._key = read_key(self.path.parent)
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
        except (sqlite3.DatabaseError, UnicodeDecodeError) as cause:  # the latter: a message that quotes damaged bytes
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
        """Bring the tables up to date in one transaction, since two processes may start at once.

        The file as it was stays next to the new one until every row was checked.
        """
        version = self._version()
        kept = self.path.with_name(f"{self.path.stem}-schema-{version}{self.path.suffix}")
        if 0 < version < len(MIGRATIONS) and not kept.exists():
            self._copy(kept)
        with self.writing() as act:
            version = self._version()
            if version > len(MIGRATIONS):
                raise StoreError(f"{self.path} has schema {version}, this kit knows {len(MIGRATIONS)}: update the kit")
            for statement in statements(MIGRATIONS[version:]):
                act.execute(statement)
            act.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            act.execute("INSERT OR IGNORE INTO meta VALUES ('site_key', ?)", (secrets.token_hex(32),))
            self._site_key = act.execute("SELECT value FROM meta WHERE key = 'site_key'").fetchone()[0]
            self._seal(act, version)
        if kept.exists():
            if findings := self.check():
                LOG.warning("%s stays, because the new record failed its check: %s", kept.name, findings[0])
            else:
                kept.unlink(missing_ok=True)

    def _seal(self, act: audit.Act, version: int) -> None:
        """Seal what an older kit wrote, and say in the log when the key, or the log itself, is another one."""
        folder = self.path.parent
        self._key = read_key(folder)  # another process may have made it just now
        if self._key is None and (self._serves or version < SEALED_SINCE):
            self._key = make_key(folder)
        act.key = self._key
        last = act.execute("SELECT seq, key_id FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        head = read_head(folder)
        if head and self._serves and not is_end_of(audit.entries(self._db), head):
            act.note("kiosk", audit.REPLACED, detail=f"the one before had {head.seq} entries")
        if last and version < SEALED_SINCE:
            act.note("kiosk", "sealed", detail="what an older version recorded", written=audit.all_rows(self._db))
        elif last and self._serves and self._key and last[1] != self._key.id:
            act.note("kiosk", audit.NEW_KEY, detail=f"entries up to {last[0]} had another one")

    def _version(self) -> int:
        return self._db.execute("PRAGMA user_version").fetchone()[0]

    def _copy(self, target: Path) -> None:
        """Write a consistent copy, completely or not at all."""
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")  # two processes may start at once
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
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _select(self, tail: str, values: tuple) -> list[Record]:
        query = (
            "SELECT records.id, created_at, source, answer, warnings, model, runtime, boot_id, uptime_s,"
            " COALESCE(visits.label, records.label), IIF(visits.seq, visits.age_years, records.age_years),"
            f" COALESCE(visits.sex, records.sex), COALESCE(visits.seq, 0), reviews.* FROM {SCORED}"
            " LEFT JOIN reviews ON reviews.seq = (SELECT MAX(seq) FROM reviews WHERE record_id = records.id)"
            " LEFT JOIN visits ON visits.seq = (SELECT MAX(seq) FROM visits WHERE record_id = records.id) "
        )
        with self.reading() as db:
            rows = db.execute(query + tail, values).fetchall()
        records = []
        for row in rows:
            try:
                records.append(_record(row))
            except (ValueError, TypeError, AttributeError) as cause:  # a flipped bit that SQLite does not detect
                damaged = f"{self.path} holds a damaged record, {row[0]}: restore the last back-up"
                if len(rows) == 1:
                    raise StoreError(damaged) from cause
                LOG.error("%s", damaged)  # it must not hide the others; `check` names it, too
        return records

    def _roll_back(self) -> None:
        """A full disk may have ended the transaction already."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


class _Broken(Exception):
    """SQLite reports that the file is damaged or not a database."""


def review_of(row: tuple) -> Review:
    """A row of the table `reviews`."""
    number, record_id, at, reader, verdict, finding, own_impression, region, comment, reason = row
    ends = json.loads(region)
    one = bool(ends) and not isinstance(ends[0], list)  # as older versions wrote it
    regions = tuple(tuple(each) for each in ([ends] if one else ends))
    return Review(record_id, reader, verdict, finding, own_impression, regions, comment, reason, at, number)


def _done_before(listed: Iterable[tuple[str, str, str]], before: str, now: str) -> Iterator[str]:
    """The IDs of what somebody has done with before a time.

    Args:
        listed: ID, when it came, and when somebody was done with it or ""; in the order in which they came.
    """
    latest = ""
    for record_id, came_at, done_at in listed:
        if came_at <= now:
            latest = max(latest, came_at)
        if done_at and max(latest, came_at, done_at) < before:
            yield record_id


def _delete(act: audit.Act, record_id: str) -> list[audit.Row]:
    """Delete a record, a refused film, or a draft that became one, with its acts and visits; returns what changed."""
    rows: list[audit.Row] = []
    for table in ("records", "refused_films"):
        query = f"SELECT fingerprint FROM {table} WHERE id = ?"
        for fingerprint in act.execute(query, (record_id,)).fetchall():
            act.execute("INSERT OR IGNORE INTO purged_films VALUES (?)", fingerprint)
            rows += [(table, record_id), ("purged_films", *fingerprint)]
    for table in ("reviews", "visits"):
        query = f"SELECT seq FROM {table} WHERE record_id = ?"
        rows += [(table, seq) for (seq,) in act.execute(query, (record_id,)).fetchall()]
        act.execute(f"DELETE FROM {table} WHERE record_id = ?", (record_id,))
    for table in ("records", "refused_films"):
        act.execute(f"DELETE FROM {table} WHERE id = ?", (record_id,))
    return rows


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to; None for none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _set_aside(path: Path) -> Path:
    """Rename a broken database with its log files; `records-broken-20261121T034500Z.sqlite3`."""
    stamp = audit.now().replace("-", "").replace(":", "")
    aside = path.with_name(f"{path.stem}-broken-{stamp}-{secrets.token_hex(2)}{path.suffix}")
    head = path.with_name(HEAD_FILE)
    if head.exists():
        head.replace(aside.with_suffix(".head"))
    for tail in ("-wal", "-shm", ""):
        source = path.with_name(path.name + tail)
        if source.exists():
            source.replace(aside.with_name(aside.name + tail))
    return aside


def _seen_of(draft: Draft) -> dict[str, Any]:
    """What the model saw of the film; it stands with the decision in one column."""
    return {"lung_field": draft.lung_field, "turned": [asdict(turning) for turning in draft.turnings]}


def _record(row: tuple) -> Record:
    answer = json.loads(row[3])
    lung_field, turned = answer.pop("lung_field", None), answer.pop("turned", [])  # not written before 0.5.0
    return Record(
        id=row[0],
        created_at=row[1],
        source=row[2],
        visit=Visit(row[9], row[10], row[11]),
        decision=decision_from_json(answer),
        warnings=tuple(json.loads(row[4])),
        model=ModelIdentity(**json.loads(row[5])),
        runtime=row[6],
        last_act=review_of(row[13:]) if row[13] is not None else None,
        boot_id=row[7],
        uptime_s=row[8],
        lung_field=tuple(lung_field) if lung_field else None,
        turnings=tuple(Turning(**each | {"crop": each["crop"] and tuple(each["crop"])}) for each in turned),
        visit_number=row[12],
    )
