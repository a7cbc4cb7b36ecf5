"""kill -9, failing writes, a full disk, a damaged file: no acknowledged record is lost, and every error is typed."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests_support import A_MODEL, a_decision
from workers import namespace_of_mounts, run_worker

from edge_app.records import audit
from edge_app.records.database import open_store
from edge_app.records.record import Draft, new_record_id
from edge_app.system import clock

WORKER = Path(__file__).with_name("record_worker.py")
SEED = 20261121
KILLS = 200
MANY_KILLS = 1_000
DAMAGED = 300
SIZES = 40
STARTS = 200


def test_kill_9_of_two_servers_on_one_record_loses_nothing_that_was_acknowledged(folder, tally):
    result = run_worker(WORKER, "kill", folder, KILLS, SEED)
    assert result["tried"] == KILLS
    assert result["acknowledged"] > KILLS
    tally(seed=SEED, kills=KILLS, servers=2, records_acknowledged=result["acknowledged"], records_lost=0)


def test_servers_that_start_at_once_on_a_new_folder_all_open_the_record(folder, tally):
    assert run_worker(WORKER, "start", folder, STARTS)["tried"] == STARTS
    tally(starts=STARTS, servers=3, refused=0)


@pytest.mark.slow
def test_kill_9_many_times_loses_nothing_that_was_acknowledged(folder, tally):
    result = run_worker(WORKER, "kill", folder, MANY_KILLS, SEED + 1)
    assert result["tried"] == MANY_KILLS
    tally(seed=SEED + 1, kills=MANY_KILLS, servers=2, records_acknowledged=result["acknowledged"], records_lost=0)


def test_a_damaged_database_is_opened_or_set_aside_and_the_kiosk_goes_on(folder, tally):
    result = run_worker(WORKER, "damage", folder, DAMAGED, SEED)
    assert result["tried"] == DAMAGED
    assert result["set_aside"] > 30
    tally(seed=SEED, databases_damaged=DAMAGED, set_aside=result["set_aside"], refused=result["refused"], untyped=0)


def test_failing_writes_refuse_the_record_and_keep_those_before(folder, tally):
    result = run_worker(WORKER, "limit", folder, SIZES)
    assert result["tried"] == SIZES
    assert result["acknowledged"] > 20
    tally(write_limits=SIZES, records_acknowledged=result["acknowledged"], records_lost=0)


@pytest.mark.skipif(shutil.which("cc") is None, reason="a C compiler makes the disk that fails")
def test_each_step_that_fails_once_or_for_ever_loses_nothing_that_was_acknowledged(folder, tmp_path, tally):
    library = tmp_path / "failing_disk.so"
    source = WORKER.with_name("failing_disk.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    result = run_worker(WORKER, "steps", folder, within=("env", f"LD_PRELOAD={library}"))
    assert result["tried"] > 40
    assert result["refused"] > 20
    assert result["acknowledged"] > 20
    tally(
        steps_failed=result["tried"],
        refused=result["refused"],
        records_acknowledged=result["acknowledged"],
        records_lost=0,
    )


def test_a_full_or_read_only_disk_refuses_the_record_and_keeps_those_before(tmp_path, tally):
    result = run_worker(WORKER, "disk", tmp_path, within=namespace_of_mounts())
    assert result["tried"] == 11
    assert result["acknowledged"] > 50
    tally(full_or_read_only=result["tried"], records_acknowledged=result["acknowledged"], records_lost=0)


def test_a_clock_that_jumps_back_breaks_neither_the_record_nor_its_log(tmp_path, monkeypatch):
    """A Pi has no clock of its own: after a power cut it may be 1970 until someone sets it."""
    store, ids = open_store(tmp_path), []
    for time in ("2026-11-21T10:00:00Z", "1970-01-01T00:00:01Z", "2099-01-01T00:00:00Z", "2026-11-21T10:00:01Z"):
        monkeypatch.setattr(audit, "now", lambda time=time: time)
        ids.append(new_record_id())
        store.add_draft(Draft(ids[-1], "f", a_decision(), A_MODEL, "r"))
    assert [record.id for record in store.records()] == ids[::-1]  # the newest first, whatever the clock showed
    log = store.audit_log()
    assert [entry.subject for entry in log if entry.action == "draft"] == ids
    assert store.check() == []
    store.close()


@pytest.mark.skipif(not clock.BOOT_ID.exists(), reason="this system names no start")
def test_records_and_log_carry_the_start_and_the_time_since_it(tmp_path):
    store, began = open_store(tmp_path), clock.machine_time()
    for _ in range(3):
        draft = Draft(new_record_id(), "f", a_decision(), A_MODEL, "r")
        store.add_draft(draft)
    for entries in (store.records()[::-1], store.audit_log()):
        assert {entry.boot_id for entry in entries} == {clock.BOOT_ID.read_text().strip()}
        times = [entry.uptime_s for entry in entries]
        assert times == sorted(times)
        assert times[0] >= began.uptime_s
    store.close()
