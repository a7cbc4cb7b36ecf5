"""`saved` means saved in the file that is the record now; only the kiosk takes a broken one away."""

import json
import shutil
import sqlite3

import pytest

from edge_app.__main__ import main
from edge_app.imaging.phantom import phantom_png
from edge_app.records.audit_key import KEY_FILE
from edge_app.records.database import FILE_NAME, open_store

PAGE = 4096


def read(kiosk, seed: int) -> dict:
    return json.loads(kiosk.ask("/films", phantom_png("viral", seed))[1])


def ids(home) -> set[str]:
    """The records in the file at the record's path, read by SQLite itself."""
    db = sqlite3.connect(home / FILE_NAME)
    try:
        return {row[0] for row in db.execute("SELECT id FROM records")}
    finally:
        db.close()


def remove(home) -> None:
    for path in home.glob(f"{FILE_NAME}*"):
        path.unlink()


def set_aside(home) -> None:
    for path in home.glob(f"{FILE_NAME}*"):
        path.rename(home / path.name.replace("records", "records-broken-1"))


def replace_by_a_back_up(home) -> None:
    shutil.copy(home / "backup.sqlite3", home / "new")
    for path in home.glob(f"{FILE_NAME}-*"):
        path.unlink()
    (home / "new").rename(home / FILE_NAME)


@pytest.mark.parametrize("act", [remove, set_aside, replace_by_a_back_up])
def test_saved_is_saved_in_the_file_that_is_the_record_now(start_kiosk, act):
    """0.3.0 went on writing into the file that was deleted or renamed under it, and said `saved`."""
    with start_kiosk() as kiosk:
        first = read(kiosk, 1)
        assert main(["reviews", "backup", str(kiosk.home / "backup.sqlite3"), "--data-dir", str(kiosk.home)]) == 0
        act(kiosk.home)
        answers = [read(kiosk, seed) for seed in range(2, 7)]
        assert all(answer["saved"] for answer in answers)
        assert {answer["id"] for answer in answers} <= ids(kiosk.home)
        shown = {row["id"] for row in json.loads(kiosk.ask("/export.json")[1])}
        assert shown == ids(kiosk.home)
        assert (first["id"] in shown) == (act is replace_by_a_back_up)
        assert json.loads(kiosk.ask("/health")[1])["not_saved"] == ""
    assert {answer["id"] for answer in answers} <= ids(kiosk.home), "also after the kiosk has closed its files"


def test_record_that_nobody_can_make_again_is_not_saved(start_kiosk):
    with start_kiosk() as kiosk:
        read(kiosk, 1)
        remove(kiosk.home)
        (kiosk.home / FILE_NAME).mkdir()
        assert read(kiosk, 2)["saved"] is False
        assert json.loads(kiosk.ask("/health")[1])["not_saved"]


def damage_one_page(path) -> None:
    with path.open("r+b") as file:
        file.seek(5 * PAGE)
        file.write(b"\xff" * PAGE)


@pytest.mark.parametrize("command", [["list"], ["export"], ["audit"], ["unlock", "AB"]])
def test_a_command_does_not_take_a_damaged_record_away(tmp_path, capsys, command):
    """0.3.0 renamed the database of a running kiosk for one bad page."""
    open_store(tmp_path).close()
    damage_one_page(tmp_path / FILE_NAME)
    assert main(["reviews", *command, "--data-dir", str(tmp_path)]) == 1
    assert "start the kiosk, which sets it aside" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} <= {FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", KEY_FILE}


def test_the_kiosk_sets_a_damaged_record_aside(start_kiosk, tmp_path):
    home = tmp_path / "home"
    open_store(home).close()
    damage_one_page(home / FILE_NAME)
    with start_kiosk() as kiosk:
        assert read(kiosk, 1)["saved"]
        assert list(home.glob("records-broken-*.sqlite3"))
