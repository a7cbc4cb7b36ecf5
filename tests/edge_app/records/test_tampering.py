"""Whoever can write the database, but has not the key outside it, changes nothing unnoticed: done here with SQL."""

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests_support import A_MODEL, REPOSITORY, a_decision

from edge_app.records import database
from edge_app.records.audit_key import HEAD_FILE, KEY_FILE
from edge_app.records.database import FILE_NAME, Store, open_store
from edge_app.records.intake import add_refused_film, close_refused_film
from edge_app.records.readers import add_reader, remove, set_pin
from edge_app.records.record import Draft, RefusedFilm, Signature, Visit, new_record_id
from edge_app.records.reviews import discard, history, name_visit, sign, withdraw
from edge_app.records.schema import MIGRATIONS

FIRST, SECOND = "AAAAAAAAAA", "BBBBBBBBBB"
NO_GUARDS = "DROP TRIGGER reviews_no_update; DROP TRIGGER records_no_update; DROP TRIGGER audit_no_update; "
ATTACKS = {
    "a finding": (NO_GUARDS + "UPDATE reviews SET finding = 'normal' WHERE seq = 1", f"row 1 of {FIRST} in reviews"),
    "a reader": (NO_GUARDS + "UPDATE reviews SET reader = 'CD' WHERE seq = 1", f"row 1 of {FIRST} in reviews"),
    "a verdict": (NO_GUARDS + "UPDATE reviews SET verdict = 'disagree' WHERE seq = 1", f"row 1 of {FIRST} in reviews"),
    "a comment": (NO_GUARDS + "UPDATE reviews SET comment = 'x' WHERE seq = 1", f"row 1 of {FIRST} in reviews"),
    "a score": (NO_GUARDS + f"UPDATE records SET p_pneumonia = 0.01 WHERE id = '{FIRST}'", f"row {FIRST} in records"),
    "an answer": (NO_GUARDS + f"UPDATE records SET answer = '{{}}' WHERE id = '{FIRST}'", f"row {FIRST} in records"),
    "a label": (NO_GUARDS + f"UPDATE records SET label = '9' WHERE id = '{SECOND}'", f"row {SECOND} in records"),
    "an inserted review": (
        f"INSERT INTO reviews SELECT 99, '{SECOND}', at, reader, verdict, finding, '', '[]', '', '' FROM reviews "
        "WHERE seq = 1",
        "row 99 in reviews was inserted",
    ),
    "an inserted record": (
        f"CREATE TEMP TABLE t AS SELECT * FROM records WHERE id = '{FIRST}'; UPDATE t SET id = 'CCCCCCCCCC';"
        "INSERT INTO records SELECT * FROM t",
        "row CCCCCCCCCC in records was inserted",
    ),
    "a deleted review": ("DELETE FROM reviews WHERE seq = 1", f"row 1 of {FIRST} in reviews was deleted"),
    "a deleted record": (f"DELETE FROM records WHERE id = '{SECOND}'", f"row {SECOND} in records was deleted"),
    "a reader's role": ("UPDATE readers SET role = 'reader' WHERE initials = 'TE'", "row TE in readers was changed"),
    "a removed reader": ("UPDATE readers SET removed_at = '' WHERE initials = 'XY'", "row XY in readers was changed"),
    "another PIN": (
        "UPDATE readers SET salt = (SELECT salt FROM readers WHERE initials = 'TE') WHERE initials = 'AB'",
        "row AB in readers was changed",
    ),
    "a refused film": ("DELETE FROM refused_films", "in refused_films was deleted"),
    "a fingerprint": ("INSERT INTO purged_films VALUES ('f')", "row f in purged_films was inserted"),
    "a guard": ("DROP TRIGGER reviews_no_update", "trigger reviews_no_update was dropped"),
    "a foreign guard": (
        "CREATE TRIGGER reviews_hook AFTER INSERT ON reviews BEGIN DELETE FROM audit; END",
        "trigger reviews_hook was dropped or added",
    ),
    "an entry": (NO_GUARDS + "UPDATE audit SET actor = 'CD' WHERE seq = 4", "changed at entry 4"),
    "an entry's time": (NO_GUARDS + "UPDATE audit SET uptime_s = 1 WHERE seq = 4", "changed at entry 4"),
    "an entry's rows": (NO_GUARDS + "UPDATE audit SET written = '' WHERE seq = 4", "changed at entry 4"),
    "the end of the log": (
        "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE seq > 4; DELETE FROM reviews; DELETE FROM visits;"
        "DELETE FROM refused_films",
        "entries were cut off",
    ),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A closed record with two drafts, one of them signed, three people and a refused film."""
    store = open_store(tmp_path)
    for initials, role in (("AB", "reader"), ("TE", "technician"), ("XY", "reader")):
        add_reader(store, initials, "2468", role=role)
    for record_id in (FIRST, SECOND):
        store.add_draft(Draft(record_id, record_id, a_decision(), A_MODEL, "r", visit=Visit("0412", 2.0, "F")))
    sign(store, Signature(FIRST, "AB", "pneumonia"))
    name_visit(store, SECOND, Visit("0413", 3.0, "M"), "kiosk", 0)
    remove(store, "XY", "AB")
    add_refused_film(store, RefusedFilm(new_record_id(), "f", "error", "damaged", "Export it again."))
    assert store.check() == []
    store.close()
    return tmp_path


def attack(home: Path, script: str) -> None:
    db = sqlite3.connect(home / FILE_NAME)
    db.executescript(script)
    db.close()


def findings(home: Path) -> str:
    store = open_store(home)
    try:
        return "; ".join(store.check())
    finally:
        store.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_every_change_is_found_and_the_row_is_named(home: Path, name: str) -> None:
    script, expected = ATTACKS[name]
    attack(home, script)
    assert expected in findings(home)


def test_a_log_that_was_rewritten_without_the_key_is_found(home: Path) -> None:
    """The attacker knows the format, so they chain every entry anew, as far as that goes without the key."""
    db = sqlite3.connect(home / FILE_NAME)
    rows = db.execute("SELECT seq, at, actor, action, subject, detail, boot_id, uptime_s FROM audit").fetchall()
    db.executescript(NO_GUARDS)
    previous = ""
    for seq, at, _, action, subject, detail, boot_id, uptime_s in rows:
        row = (seq, at, "CD", action, subject, detail, boot_id, uptime_s)
        previous = hashlib.sha256(json.dumps([previous, *row]).encode()).hexdigest()
        db.execute("UPDATE audit SET actor = 'CD', hash = ?, key_id = '' WHERE seq = ?", (previous, seq))
    db.commit()
    db.close()
    assert "rewritten" in findings(home)


def test_the_command_names_what_was_changed_and_fails(home: Path, capsys: pytest.CaptureFixture) -> None:
    from edge_app.__main__ import main

    assert main(["reviews", "audit", "--data-dir", str(home)]) == 0
    attack(home, ATTACKS["a finding"][0])
    assert main(["reviews", "audit", "--data-dir", str(home)]) == 1
    assert f"row 1 of {FIRST} in reviews was changed" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["missing", "garbage", "another"])
def test_a_lost_key_is_said_and_the_kiosk_goes_on_with_a_new_one(home: Path, damage: str) -> None:
    key = home / KEY_FILE
    key.unlink()
    if damage != "missing":
        key.write_text({"garbage": "x", "another": "0" * 64}[damage])
    if damage != "another":
        assert "audit.key is missing" in findings(home)
    store = open_store(home, serves=True)
    store.add_draft(Draft(new_record_id(), "f", a_decision(), A_MODEL, "r"))
    assert [entry.action for entry in store.audit_log()][-2:] == ["audit key replaced", "draft"]
    assert any("sealed with another key" in finding for finding in store.check())
    store.close()


def test_a_restored_back_up_is_said_in_the_log(home: Path, tmp_path: Path) -> None:
    store = open_store(home)
    store.back_up(tmp_path / "copy.sqlite3")
    sign(store, Signature(SECOND, "AB", "normal", store.record(SECOND).version))
    store.close()
    shutil.copy(tmp_path / "copy.sqlite3", home / FILE_NAME)
    store = open_store(home, serves=True)
    assert store.audit_log()[-1].action == "record replaced"
    assert any("record replaced" in finding for finding in store.check())
    store.close()


def test_a_record_without_changes_is_clean_after_every_act(home: Path) -> None:
    store = open_store(home)
    sign(store, Signature(FIRST, "CD", "normal", store.record(FIRST).version, reason="second look"))
    withdraw(store, FIRST, "CD", "wrong film", store.record(FIRST).version)
    discard(store, FIRST, "AB", "handed in twice", store.record(FIRST).version)
    set_pin(store, "AB", "8642", "AB")
    close_refused_film(store, store.reading().__enter__().execute("SELECT id FROM refused_films").fetchone()[0], "TE")
    assert [review.verdict for review in history(store, FIRST)] == ["agree", "disagree", "withdrawn", "discarded"]
    assert store.purge("2100-01-01T00:00:00Z", "2099-01-01T00:00:00Z") == 2
    assert store.purged([FIRST, SECOND]) == {FIRST}
    assert store.check() == []
    store.close()


def test_a_record_of_the_schema_before_is_brought_up_to_date_with_its_seals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(database, "MIGRATIONS", MIGRATIONS[:4])
        store = open_store(tmp_path, serves=True)
        store.add_draft(Draft(FIRST, FIRST, a_decision(), A_MODEL, "r"))
        sign(store, Signature(FIRST, "AB", "pneumonia"))
        store.close()
    store = open_store(tmp_path, serves=True)
    assert (store.check(), store.record(FIRST).status) == ([], "signed")
    assert store.purge("2100-01-01T00:00:00Z", "2099-01-01T00:00:00Z") == 1
    assert (store.check(), store.was_purged(FIRST)) == ([], True)
    store.close()
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAME, KEY_FILE, HEAD_FILE}


def test_the_record_of_0_3_0_stays_beside_the_new_one_until_it_is_checked(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "tests" / "fixtures" / "0.3.0" / "records.sqlite3", tmp_path)
    open_store(tmp_path).close()
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAME, KEY_FILE, HEAD_FILE}
    broken = tmp_path / "broken"
    broken.mkdir()
    shutil.copy(REPOSITORY / "tests" / "fixtures" / "0.3.0" / "records.sqlite3", broken)
    attack(broken, "DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'XX' WHERE seq = 3")
    store = open_store(broken)
    assert any("entry 3" in finding for finding in store.check())
    store.close()
    before = Store(broken / "records-schema-2.sqlite3")
    assert len(before.audit_log()) >= 23
    before.close()
