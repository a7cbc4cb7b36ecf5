"""Readers and technicians: PINs, locks by place and by a clock that nobody can set, enrolling and removing."""

import io
import threading

import pytest

from edge_app.__main__ import main
from edge_app.errors import ReaderRefused
from edge_app.records.database import FILE_NAME, open_store
from edge_app.records.readers import (
    LOCKED_FOR_S,
    SIGNING,
    Reader,
    add_reader,
    check_reader,
    check_signer,
    enrol,
    login_entries,
    readers,
)
from edge_app.system.clock import MachineTime

[SIGN] = SIGNING


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


class Clock:
    """A machine's time that is moved by hand."""

    def __init__(self) -> None:
        self.now = MachineTime("boot-1", 1000.0)

    def __call__(self) -> MachineTime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now = MachineTime(self.now.boot_id, self.now.uptime_s + seconds)


def fail(store, clock: Clock, times: int = SIGN.max_failures, **where) -> None:
    for _ in range(times):
        with pytest.raises(ReaderRefused, match="wrong"):
            check_reader(store, "AB", "0000", clock=clock, **where)


def test_pin_is_checked_and_not_kept(store, tmp_path):
    assert add_reader(store, "ab", "271828") == "AB"
    assert check_reader(store, "Ab", "271828") == Reader("AB")
    with pytest.raises(ReaderRefused, match="wrong"):
        check_reader(store, "AB", "271829")
    with pytest.raises(ReaderRefused, match="wrong"):
        check_reader(store, "NOBODY", "271828")
    assert readers(store) == [Reader("AB")]
    store.close()
    assert b"271828" not in (tmp_path / FILE_NAME).read_bytes()


def test_guessing_a_pin_locks_the_reader_for_a_while_and_then_for_twice_as_long(store):
    add_reader(store, "AB", "1234")
    clock = Clock()
    for pause_s in (LOCKED_FOR_S, 2 * LOCKED_FOR_S):
        fail(store, clock)
        clock.wait(pause_s - 1)
        with pytest.raises(ReaderRefused, match="wait"):
            check_reader(store, "AB", "1234", clock=clock)
        clock.wait(2)
    assert check_reader(store, "AB", "1234", clock=clock) == Reader("AB")
    fail(store, clock, SIGN.max_failures - 1)  # the right PIN forgot the wrong ones
    assert check_reader(store, "AB", "1234", clock=clock) == Reader("AB")


def test_restart_of_the_machine_neither_ends_a_lock_nor_makes_it_longer(store):
    add_reader(store, "AB", "1234")
    clock = Clock()
    clock.wait(1e6)
    fail(store, clock)
    clock.now = MachineTime("boot-2", 1.0)
    with pytest.raises(ReaderRefused, match="wait 5 minutes"):
        check_reader(store, "AB", "1234", clock=clock)
    clock.wait(LOCKED_FOR_S)
    assert check_reader(store, "AB", "1234", clock=clock) == Reader("AB")


def test_clock_on_the_wall_does_not_move_a_lock(store, monkeypatch):
    """0.3.0 with a clock that was a year ahead locked a reader out for that year."""
    add_reader(store, "AB", "1234")
    clock = Clock()
    monkeypatch.setattr("edge_app.records.audit.now", lambda: "2126-01-01T00:00:00Z")
    fail(store, clock)
    monkeypatch.undo()
    clock.wait(LOCKED_FOR_S + 1)
    assert check_reader(store, "AB", "1234", clock=clock) == Reader("AB")


def test_signing_and_each_address_of_the_login_lock_apart(store):
    add_reader(store, "AB", "1234")
    clock = Clock()
    fail(store, clock, entries=login_entries("10.0.0.9"))
    with pytest.raises(ReaderRefused, match="wait"):
        check_reader(store, "AB", "1234", login_entries("10.0.0.9"), clock)
    assert check_reader(store, "AB", "1234", login_entries("10.0.0.8"), clock)
    assert check_reader(store, "AB", "1234", SIGNING, clock)


def test_guesses_from_many_addresses_lock_the_login(store):
    add_reader(store, "AB", "1234")
    clock = Clock()
    for number in range(10):
        fail(store, clock, entries=login_entries(f"10.0.0.{number}"))
    with pytest.raises(ReaderRefused, match="wait"):
        check_reader(store, "AB", "1234", login_entries("10.0.1.1"), clock)
    assert check_reader(store, "AB", "1234", SIGNING, clock)


def test_forty_guesses_at_once_are_counted_before_they_are_checked(store):
    add_reader(store, "AB", "1234")
    refusals: list[str] = []

    def guess() -> None:
        with pytest.raises(ReaderRefused) as refused:
            check_reader(store, "AB", "0000")
        refusals.append(str(refused.value).split()[0])

    threads = [threading.Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refusals.count("Initials") == SIGN.max_failures
    assert refusals.count("Too") == 40 - SIGN.max_failures


def test_the_log_names_each_lock(store):
    add_reader(store, "AB", "1234")
    fail(store, Clock())
    entry = store.audit_log()[-1]
    assert (entry.action, entry.subject, entry.detail) == ("reader locked", "AB", "sign")


@pytest.mark.parametrize(("initials", "pin"), [("A", "1234"), ("AB CD", "1234"), ("AB", "12"), ("AB", "abcd")])
def test_bad_initials_or_pins_are_refused(store, initials, pin):
    with pytest.raises(ReaderRefused):
        add_reader(store, initials, pin)
    assert readers(store) == []


def test_reader_cannot_be_enrolled_twice(store):
    add_reader(store, "AB", "1234")
    with pytest.raises(ReaderRefused, match="taken"):
        add_reader(store, "ab", "9999")
    assert check_reader(store, "AB", "1234") == Reader("AB")


def test_first_reader_is_added_at_the_machine_and_later_ones_by_a_reader(store):
    first, second, technician = Reader("AB"), Reader("CD"), Reader("TE", "technician")
    with pytest.raises(ReaderRefused, match="at the kiosk itself"):
        enrol(store, first, "1234", ("", ""), at_the_machine=False)
    enrol(store, first, "1234", ("", ""), at_the_machine=True)
    with pytest.raises(ReaderRefused):
        enrol(store, second, "1234", ("", ""), at_the_machine=True)
    enrol(store, technician, "2345", ("ab", "1234"), at_the_machine=False)
    with pytest.raises(ReaderRefused, match="technician"):
        enrol(store, second, "1234", ("TE", "2345"), at_the_machine=True)
    enrol(store, second, "3456", ("AB", "1234"), at_the_machine=True)
    assert readers(store) == [first, second, technician]
    added = [(entry.actor, entry.action, entry.subject) for entry in store.audit_log() if "added" in entry.action]
    assert added == [
        ("first start", "reader added", "AB"),
        ("AB", "technician added", "TE"),
        ("AB", "reader added", "CD"),
    ]


def test_technician_may_log_in_and_not_sign(store):
    add_reader(store, "TE", "2345", role="technician")
    assert check_reader(store, "TE", "2345", login_entries("10.0.0.9")) == Reader("TE", "technician")
    with pytest.raises(ReaderRefused, match="is a technician"):
        check_signer(store, "TE", "2345")


def test_reader_is_unlocked_removed_and_gets_a_new_pin_on_the_command_line(store, tmp_path, monkeypatch, capsys):
    def reviews(*words: str, pin: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(pin + "\n"))
        return main(["reviews", *words, "--data-dir", str(tmp_path)])

    assert reviews("add-reader", "ab", pin="1234") == 0
    assert reviews("add-reader", "te", "--role", "technician", pin="2345") == 0
    for _ in range(SIGN.max_failures):
        with pytest.raises(ReaderRefused):
            check_signer(store, "AB", "0000")
    with pytest.raises(ReaderRefused, match="wait"):
        check_signer(store, "AB", "1234")
    assert reviews("unlock", "ab") == 0
    assert check_signer(store, "AB", "1234") == "AB"

    assert reviews("set-pin", "AB", pin="12") == 1
    assert reviews("set-pin", "AB", pin="9876") == 0
    with pytest.raises(ReaderRefused, match="wrong"):
        check_signer(store, "AB", "1234")
    assert check_signer(store, "AB", "9876") == "AB"

    assert reviews("remove", "AB") == 0
    with pytest.raises(ReaderRefused, match="wrong"):
        check_signer(store, "AB", "9876")
    assert readers(store) == [Reader("TE", "technician")]
    assert reviews("add-reader", "ab", pin="1234") == 1, "what AB signed stays AB's"
    assert reviews("unlock", "XX") == 1
    assert "Nobody called XX" in capsys.readouterr().err
    with pytest.raises(ReaderRefused, match="wrong"):
        enrol(store, Reader("NW"), "1111", ("AB", "9876"), at_the_machine=True)
