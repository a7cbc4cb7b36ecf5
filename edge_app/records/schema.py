"""The tables of the record. One script per schema version; never change a released script, add the next."""

import sqlite3
from collections.abc import Iterator

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
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
        subject TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL);
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
    """,
    """
    ALTER TABLE records ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE records ADD COLUMN uptime_s REAL;
    ALTER TABLE audit ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN uptime_s REAL;
    """,
    # `failures` and `locked_until` of readers are no longer used: `locks` counts by place, and by time since the start.
    """
    ALTER TABLE readers ADD COLUMN role TEXT NOT NULL DEFAULT 'reader';
    ALTER TABLE readers ADD COLUMN removed_at TEXT NOT NULL DEFAULT '';
    CREATE TABLE locks (
        initials TEXT NOT NULL, entry TEXT NOT NULL, failures INTEGER NOT NULL, lock_s REAL NOT NULL,
        boot_id TEXT NOT NULL, uptime_s REAL NOT NULL, PRIMARY KEY (initials, entry));
    """,
    # `region` holds one region up to here, and a list of them from here on.
    """
    ALTER TABLE audit ADD COLUMN written TEXT NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE records ADD COLUMN label TEXT NOT NULL DEFAULT '';
    ALTER TABLE records ADD COLUMN sex TEXT NOT NULL DEFAULT '';
    ALTER TABLE reviews ADD COLUMN comment TEXT NOT NULL DEFAULT '';
    ALTER TABLE reviews ADD COLUMN reason TEXT NOT NULL DEFAULT '';
    CREATE TABLE visits (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, record_id TEXT NOT NULL REFERENCES records (id), at TEXT NOT NULL,
        label TEXT NOT NULL, age_years REAL, sex TEXT NOT NULL);
    CREATE INDEX visits_by_record ON visits (record_id);
    CREATE TRIGGER visits_no_update BEFORE UPDATE ON visits
        BEGIN SELECT RAISE(ABORT, 'a visit is never changed, only followed by another'); END;
    CREATE TABLE refused_films (
        id TEXT PRIMARY KEY, at TEXT NOT NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL, status TEXT NOT NULL,
        code TEXT NOT NULL, sentence TEXT NOT NULL, label TEXT NOT NULL, age_years REAL, sex TEXT NOT NULL,
        closed_at TEXT NOT NULL DEFAULT '');
    CREATE INDEX refused_films_by_fingerprint ON refused_films (fingerprint);
    """,
    # Of films whose record was deleted because it was old, so that a watched folder does not bring them back.
    """
    CREATE TABLE purged_films (fingerprint TEXT PRIMARY KEY);
    """,
)


def statements(versions: tuple[str, ...]) -> Iterator[str]:
    """The single statements of some scripts; a trigger contains semicolons of its own."""
    statement = ""
    for part in "".join(versions).split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def guards() -> dict[str, str]:
    """Every trigger that keeps rows from being changed, with its SQL, as a new record has them."""
    db = sqlite3.connect(":memory:")
    try:
        db.executescript("".join(MIGRATIONS))
        return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    finally:
        db.close()
