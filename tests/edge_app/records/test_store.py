"""The record: acknowledged rows stay, a broken file is set aside, nothing is changed in place."""

import csv
import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace

import pytest
from tests_support import A_MODEL, ENVIRONMENT, a_decision

from edge_app.errors import StoreError
from edge_app.model.card import ModelIdentity
from edge_app.reading.answer import decision_as_json
from edge_app.records import audit
from edge_app.records.audit_key import KEY_FILE
from edge_app.records.database import FILE_NAME, Store, open_store
from edge_app.records.export import to_csv, to_json
from edge_app.records.record import Draft, Signature, Visit, new_record_id
from edge_app.records.reviews import sign
from edge_app.records.schema import MIGRATIONS


def a_draft(p_finding: float = 0.7, film: str = "f" * 64) -> Draft:
    decision = a_decision(p_finding)
    return Draft(new_record_id(), film, decision, A_MODEL, "litert 1", visit=Visit(age_years=2.0), warnings=("dark",))


def add_drafts(store: Store, count: int) -> None:
    for _ in range(count):
        store.add_draft(a_draft())


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def test_draft_is_there_after_reopening(tmp_path):
    store, draft = open_store(tmp_path), a_draft()
    store.add_draft(draft)
    store.close()
    again = open_store(tmp_path)
    record = again.record(draft.id)
    again.close()
    assert record.status == "draft"
    assert record.decision == draft.decision
    assert (record.model, record.visit.age_years, record.warnings) == (A_MODEL, 2.0, ("dark",))


def test_record_holds_neither_file_name_nor_film_hash(tmp_path):
    store = open_store(tmp_path)
    store.add_draft(a_draft(film="c0ffee" * 10))
    assert store.find_film("c0ffee" * 10)
    assert store.find_film("other") is None
    store.close()
    assert b"c0ffeec0ffee" not in (tmp_path / FILE_NAME).read_bytes()


def test_worklist_has_the_most_urgent_first(store):
    drafts = [a_draft(p) for p in (0.1, 0.9, 0.5)]
    for draft in drafts:
        store.add_draft(draft)
    assert [record.decision.p_finding for record in store.records("draft")] == [0.9, 0.5, 0.1]


def test_nothing_is_final_without_a_review(store):
    draft = a_draft()
    store.add_draft(draft)
    assert store.records("signed") == []
    sign(store, Signature(draft.id, "AB", "normal", regions=((0.1, 0.2, 0.3, 0.4),)))
    [record] = store.records("signed")
    assert (record.review.verdict, record.review.finding, record.review.reader) == ("disagree", "normal", "AB")
    assert record.review.regions == ((0.1, 0.2, 0.3, 0.4),)
    assert store.records("draft") == []


def test_review_of_nothing_or_of_nonsense_is_refused(store):
    draft = a_draft()
    store.add_draft(draft)
    for signature in (Signature("NOSUCHID", "AB", "normal"), Signature(draft.id, "AB", "maybe")):
        with pytest.raises(StoreError):
            sign(store, signature)
    assert store.record(draft.id).status == "draft"


@pytest.mark.parametrize("table", ["records", "reviews", "audit"])
def test_rows_cannot_be_changed_in_place(store, table):
    draft = a_draft()
    store.add_draft(draft)
    sign(store, Signature(draft.id, "AB", "pneumonia"))
    column = {"records": "decision", "reviews": "verdict", "audit": "detail"}[table]
    with pytest.raises(StoreError, match=r"never changed|only grows"), store.writing() as db:
        db.execute(f"UPDATE {table} SET {column} = 'x'")


def test_record_of_an_older_kit_is_kept_and_its_log_still_holds(tmp_path):
    """Schema 1, as version 0.1.0 wrote it: without the start and the time since it."""
    db = sqlite3.connect(tmp_path / FILE_NAME)
    db.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
    row = (1, "2026-11-01T00:00:00Z", "kiosk", "draft", "AAAA", "normal")
    link = hashlib.sha256(json.dumps(["", *row]).encode()).hexdigest()
    db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, link))
    answer = json.dumps(decision_as_json(a_decision()))
    values = ("AAAA", row[1], "page", "f", 2.0, 0.7, "pneumonia", answer, "[]", json.dumps(asdict(A_MODEL)), "r")
    db.execute(f"INSERT INTO records VALUES ({', '.join('?' * 11)})", values)
    db.commit()
    db.close()
    store = open_store(tmp_path)
    store.add_draft(a_draft())
    assert store.check() == []
    assert [record.uptime_s is None for record in store.records()] == [False, True]
    assert len(list(csv.DictReader(io.StringIO(to_csv(store.records()))))) == 2
    store.close()


@pytest.mark.parametrize("damage", ["garbage", "middle"])
def test_broken_database_is_set_aside_by_name_and_a_new_one_begun(tmp_path, damage):
    store = open_store(tmp_path)
    for _ in range(200):
        store.add_draft(a_draft())
    store.close()
    path = tmp_path / FILE_NAME
    content = path.read_bytes()
    page = 4096
    broken = (
        b"no database at all" * 99 if damage == "garbage" else content[:page] + b"\xff" * page * 4 + content[5 * page :]
    )
    path.write_bytes(broken)
    again = open_store(tmp_path, serves=True)
    assert again.set_aside.name.startswith("records-broken-")
    assert again.set_aside.read_bytes() == broken
    again.add_draft(a_draft())
    assert len(again.records()) == 1
    assert again.audit_log()[0].action == "broken database set aside"
    again.close()


def test_database_of_a_newer_kit_is_left_alone(tmp_path):
    open_store(tmp_path).close()
    db = sqlite3.connect(tmp_path / FILE_NAME)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(StoreError, match="update the kit"):
        open_store(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAME, KEY_FILE}


def test_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="check the disk"):
        open_store(tmp_path / "file" / "home")


def test_full_disk_loses_the_new_draft_and_nothing_else(store):
    first = a_draft()
    store.add_draft(first)
    with store.reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        add_drafts(store, 500)
    kept = {record.id for record in store.records()}
    assert first.id in kept
    with store.reading() as db:
        db.execute("PRAGMA max_page_count = 100000")
    store.add_draft(a_draft())
    assert len(store.records()) == len(kept) + 1
    assert store.check() == []


def test_kill_9_loses_no_acknowledged_record(tmp_path):
    code = (
        "import sys; from pathlib import Path; from edge_app.records.database import *\n"
        "from edge_app.records.record import *\n"
        "store = open_store(Path(sys.argv[1]))\n"
        "from tests_support import A_MODEL, a_decision\n"
        "while True:\n"
        "    d = Draft(new_record_id(), 'f', a_decision(), A_MODEL, 'r'); store.add_draft(d)\n"
        "    print(d.id, flush=True)\n"
    )
    acknowledged = []
    for delay_s in (0.0, 0.01, 0.05, 0.1):
        command = [sys.executable, "-c", code, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
            acknowledged += [process.stdout.readline().strip() for _ in range(6)]
            time.sleep(delay_s)
            process.kill()
            acknowledged += process.stdout.read().split("\n")[:-1]
    store = open_store(tmp_path)
    assert store.set_aside is None
    kept = {record.id for record in store.records()}
    store.close()
    assert len(acknowledged) >= 24
    assert set(acknowledged) <= kept


def test_many_threads_write_without_loss(store):
    drafts = [a_draft() for _ in range(80)]
    threads = [
        threading.Thread(target=lambda part: [store.add_draft(d) for d in part], args=(drafts[i::8],)) for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {record.id for record in store.records()} == {draft.id for draft in drafts}
    assert store.check() == []


def test_two_processes_may_hold_the_record(tmp_path):
    one, two = open_store(tmp_path), open_store(tmp_path)
    one.add_draft(a_draft(0.3))
    two.add_draft(a_draft(0.6))
    assert len(one.records()) == len(two.records()) == 2
    assert one.check() == []
    one.close()
    two.close()


def test_back_up_is_a_whole_record_of_its_own(store, tmp_path):
    store.add_draft(a_draft())
    target = tmp_path / "usb" / "copy.sqlite3"
    with pytest.raises(StoreError, match="no back-up"):
        store.back_up(target)
    target.parent.mkdir()
    store.back_up(target)
    copy = Store(target)
    assert len(copy.records()) == 1
    copy.close()


def test_purge_spares_drafts_and_is_logged(store):
    signed, waiting = a_draft(), a_draft()
    for draft in (signed, waiting):
        store.add_draft(draft)
    sign(store, Signature(signed.id, "AB", "pneumonia"))
    assert store.purge("2000-01-01T00:00:00Z", audit.now()) == 0
    assert store.purge("2100-01-01T00:00:00Z", audit.now()) == 1
    assert [record.id for record in store.records()] == [waiting.id]
    assert store.audit_log()[-1].action == "purge"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1+cmd", "@SUM(A1)", "\t=1"])
def test_no_cell_of_the_export_is_a_formula(store, name):
    """A model's card may hold any text."""
    store.add_draft(replace(a_draft(), model=ModelIdentity(name, name, "ab")))
    [row] = csv.DictReader(io.StringIO(to_csv(store.records()), newline=""))
    assert (row["model_name"], row["model_version"]) == (f"'{name}", f"'{name}")
    assert json.loads(to_json(store.records()))[0]["model_name"] == name


def test_exports_say_the_same_in_csv_and_json(store):
    draft = a_draft()
    store.add_draft(draft)
    sign(store, Signature(draft.id, "AB", "viral", 0, "viral", ((0.1, 0.2, 0.3, 0.4),)))
    [row] = csv.DictReader(io.StringIO(to_csv(store.records())))
    [same] = json.loads(to_json(store.records()))
    assert row == {key: str(value) for key, value in same.items()}
    assert (row["id"], row["finding"], row["reader"], row["model_sha256"]) == (draft.id, "viral", "AB", "ab")
