"""`doctor` finds what is wrong and says what to do; it never stops at the first problem."""

import json
from datetime import datetime, timezone

import pytest

from edge_app.__main__ import main
from edge_app.kiosk.model_walk import self_test
from edge_app.workflow import device_check


def checks(data):
    return {check.what: check for check in device_check.check_device(data, self_test)}


def test_a_working_device_has_nothing_to_fix(tmp_path, capsys):
    assert main(["doctor", "--data-dir", str(tmp_path)]) == 0
    assert "FAIL" not in capsys.readouterr().out


def test_the_runtime_and_the_reason_for_it_are_named(tmp_path):
    assert "kernels: " in checks(tmp_path)["runtime used"].got


def test_json_holds_the_same_checks(tmp_path, capsys):
    main(["doctor", "--json", "--data-dir", str(tmp_path)])
    rows = json.loads(capsys.readouterr().out)
    assert {"what", "verdict", "got", "todo"} == set(rows[0])
    assert {"device", "model", "disk", "memory", "clock"} <= {row["what"] for row in rows}


def test_a_missing_runtime_fails_and_the_rest_is_still_checked(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CXR_EDGE_RUNTIME", "no-such-runtime")
    assert main(["doctor", "--data-dir", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "FAIL runtime" in out
    assert "memory" in out


def test_records_that_others_can_read_are_warned_of(tmp_path):
    tmp_path.chmod(0o711)
    (tmp_path / "records.sqlite3").touch(0o644)
    found = checks(tmp_path)["data folder"]
    assert found.verdict == "warn"
    assert "chmod 600" in found.todo
    (tmp_path / "records.sqlite3").chmod(0o600)
    assert checks(tmp_path)["data folder"].verdict == "ok"


def test_the_advice_leaves_the_folder_to_the_kiosks_user(tmp_path):
    """Whoever follows the advice of `doctor` must not end with a kiosk that cannot write its records."""
    found = device_check.unwritable(tmp_path, owner=997, asking=1000)
    assert (found.verdict, found.todo) == ("note", "run this as that user: sudo cxr-edge doctor")
    assert device_check.unwritable(tmp_path, owner=997, asking=997).verdict == "warn"


def test_a_damaged_installed_model_is_warned_of(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "current").write_text("0123456789abcdef\nshipped\n")
    found = checks(tmp_path)
    assert found["model"].verdict == "ok"
    assert "is not there" in found["model refused"].got


@pytest.mark.parametrize(("year", "verdict"), [(1970, "warn"), (2030, "ok")])
def test_a_clock_before_the_kit_was_made_is_warned_of(year, verdict):
    assert device_check.clock(datetime(year, 1, 1, tzinfo=timezone.utc)).verdict == verdict


@pytest.mark.parametrize(("free_mib", "verdict"), [(5, "fail"), (100, "warn"), (5000, "ok")])
def test_a_full_disk_is_warned_of_before_it_fails(tmp_path, free_mib, verdict):
    assert device_check.disk(tmp_path, free_mib).verdict == verdict


@pytest.mark.parametrize(("free_mib", "verdict"), [(100, "warn"), (2000, "ok")])
def test_little_memory_is_warned_of(free_mib, verdict):
    text = f"MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable: {free_mib * 1024} kB\n"
    assert device_check.memory(text).verdict == verdict


@pytest.mark.parametrize(("celsius", "verdict"), [(45, "ok"), (84, "warn")])
def test_a_hot_device_is_warned_of(celsius, verdict):
    assert device_check.heat(celsius).verdict == verdict
