"""A clock that is wrong deletes nothing."""

from datetime import datetime, timedelta, timezone

import pytest
from tests_support import A_MODEL, a_decision

from edge_app.__main__ import main
from edge_app.errors import KitError
from edge_app.kiosk.views.header import HAND_IN, header
from edge_app.reading.answer import Refusal
from edge_app.records import audit
from edge_app.records.database import open_store
from edge_app.records.intake import add_refused_film, close_refused_film, refused_film
from edge_app.records.record import Draft, RefusedFilm, Signature, Visit, new_record_id
from edge_app.records.retention import AHEAD, ClockDoubted, retain
from edge_app.records.reviews import name_visit, sign
from edge_app.system.clock import MachineTime, machine_time

START = datetime(2026, 11, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)
DAYS = 365
CHILD = Visit("CHILD-0412", 9.0, "F")


class Clocks:
    """A machine's two clocks: one that anybody may set, and one that counts from its start."""

    def __init__(self) -> None:
        self.now = START
        self.machine = machine_time()

    def pass_by(self, time: timedelta) -> None:
        self.now += time
        self.machine = MachineTime(self.machine.boot_id, self.machine.uptime_s + time.total_seconds())

    def start_again(self) -> None:
        self.machine = MachineTime(self.machine.boot_id + "x", 1.0)


@pytest.fixture
def clocks(monkeypatch):
    made = Clocks()
    monkeypatch.setattr(audit, "now", lambda: made.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    monkeypatch.setattr(audit, "machine_time", lambda: made.machine)
    return made


@pytest.fixture
def store(tmp_path, clocks):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def a_draft(store) -> str:
    draft = Draft(new_record_id(), "f" * 64, a_decision(), A_MODEL, "litert 1")
    store.add_draft(draft)
    return draft.id


def a_signed(store) -> str:
    record_id = a_draft(store)
    sign(store, Signature(record_id, "AB", "pneumonia"))
    return record_id


def deleted(store, clocks, days=DAYS, **more) -> int:
    return retain(store, days, now=clocks.now, machine=clocks.machine, **more)[0]


def test_start_with_a_clock_ten_years_ahead_deletes_nothing_and_asks(store, clocks):
    """0.3.0 deleted every signed record."""
    a_signed(store)
    clocks.start_again()
    clocks.now += 3650 * DAY
    with pytest.raises(ClockDoubted, match=r"3650 days ahead.*--clock-is-right"):
        deleted(store, clocks)
    assert len(store.records()) == 1
    assert deleted(store, clocks, clock_is_right=True) == 1


def test_what_is_recorded_by_a_wrong_clock_does_not_make_it_right(store, clocks):
    old = a_signed(store)
    assert deleted(store, clocks) == 0
    clocks.start_again()
    clocks.now += 3650 * DAY
    a_signed(store)
    for _ in range(3):
        clocks.pass_by(DAY)
        with pytest.raises(ClockDoubted):
            deleted(store, clocks)
    clocks.now -= 3650 * DAY
    assert deleted(store, clocks) == 0, "the clock was set right"
    assert store.record(old)


def test_a_clock_that_is_set_while_the_machine_runs_is_doubted(store, clocks):
    a_signed(store)
    deleted(store, clocks)
    clocks.now += AHEAD + DAY
    with pytest.raises(ClockDoubted, match="ahead"):
        deleted(store, clocks)
    clocks.now = START - 3 * DAY
    with pytest.raises(ClockDoubted, match="behind"):
        deleted(store, clocks)


def test_time_that_the_machine_was_on_is_no_reason_to_doubt(store, clocks):
    a_signed(store)
    deleted(store, clocks)
    clocks.pass_by((DAYS - 1) * DAY)
    assert deleted(store, clocks) == 0
    clocks.pass_by(2 * DAY)
    assert deleted(store, clocks) == 1


def test_a_machine_that_was_off_for_a_month_is_believed(store, clocks):
    a_signed(store)
    deleted(store, clocks)
    for _ in range(12):
        clocks.start_again()
        clocks.now += 30 * DAY
        assert deleted(store, clocks) == 0
    clocks.start_again()
    clocks.now += 30 * DAY
    assert deleted(store, clocks) == 1


def test_record_made_while_the_clock_was_behind_is_as_young_as_those_before_it(store, clocks):
    """A Pi without a clock module begins in the past after a power cut."""
    a_signed(store)
    deleted(store, clocks)
    clocks.start_again()
    clocks.now = datetime(1970, 1, 2, tzinfo=timezone.utc)
    behind = a_signed(store)
    clocks.now = START + DAY
    assert deleted(store, clocks) == 0
    assert store.record(behind)


def test_age_counts_from_the_signature(store, clocks):
    waiting = a_draft(store)
    deleted(store, clocks)
    clocks.pass_by(2 * DAYS * DAY)
    sign(store, Signature(waiting, "AB", "pneumonia"))
    assert deleted(store, clocks) == 0


def a_refused(store) -> str:
    """A film without an answer of a child whose number was written down."""
    film = RefusedFilm(new_record_id(), new_record_id(), "error", "damaged", "Export it again.", visit=CHILD)
    return add_refused_film(store, film)


def every_text(store) -> str:
    """Everything that the file of the record says, but for the log."""
    with store.reading() as db:
        return "\n".join(line for line in db.iterdump() if 'INSERT INTO "audit"' not in line)


def test_refused_films_go_once_somebody_saw_to_them_and_nothing_of_the_child_stays(store, clocks):
    waiting, old = a_refused(store), a_refused(store)
    draft = a_draft(store)
    name_visit(store, draft, CHILD, "page", 0, Refusal("rejected", "age_out_of_range", "Too old."))
    close_refused_film(store, old, "TE")
    close_refused_film(store, draft, "TE")
    deleted(store, clocks)
    clocks.pass_by((DAYS - 1) * DAY)
    young = a_refused(store)
    close_refused_film(store, young, "TE")
    clocks.pass_by(2 * DAY)
    assert deleted(store, clocks) == 2
    assert [film_id for film_id in (waiting, old, draft, young) if refused_film(store, film_id)] == [waiting, young]
    assert (store.records(), store.check()) == ([], []), "the draft is no draft again"
    assert [film_id for film_id in (old, draft) if film_id in every_text(store)] == []
    assert every_text(store).count(CHILD.label) == 2


def test_of_a_deleted_film_only_a_keyed_fingerprint_stays(store, clocks):
    record_id = a_signed(store)
    deleted(store, clocks)
    clocks.pass_by((DAYS + 1) * DAY)
    assert not store.was_purged("f" * 64)
    assert deleted(store, clocks) == 1
    assert (store.was_purged("f" * 64), store.find_film("f" * 64)) == (True, None)
    kept = every_text(store)
    assert (record_id in kept, "f" * 64 in kept, store.fingerprint("f" * 64) in kept) == (False, False, True)


@pytest.mark.parametrize("days", [-1, 0, 36_501, 10**12])
def test_days_out_of_range_delete_nothing(store, clocks, days, tmp_path, capsys):
    """0.3.0 deleted a record signed a second ago for -1, and gave a traceback for a huge number."""
    a_signed(store)
    with pytest.raises(KitError, match="1 to 36500 days"):
        deleted(store, clocks, days)
    assert main(["reviews", "purge", "--days", str(days), "--data-dir", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert len(store.records()) == 1
    with pytest.raises(SystemExit):
        main(["serve", "--keep-days", str(days)])


def test_the_page_says_why_old_records_stay(shipped):
    troubles = {"not_deleted_banner": "the clock says 2036"}
    assert "Old records are not deleted" in header(shipped.card, "en", HAND_IN, 0, troubles)
    assert "Old records" not in header(shipped.card, "en", HAND_IN, 0, {"not_deleted_banner": ""})
