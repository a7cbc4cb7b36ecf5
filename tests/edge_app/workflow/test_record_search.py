"""The search of the records page."""

import time
from pathlib import Path

import pytest

from edge_app.kiosk.views.document import Frame
from edge_app.kiosk.views.record_list import record_list
from edge_app.model.card import ModelIdentity
from edge_app.reading.decision import Decision
from edge_app.records import intake, reviews
from edge_app.records.database import open_store
from edge_app.records.record import Draft, RefusedFilm, Signature, Visit
from edge_app.workflow.record_search import PAGE, DamagedRecord, Search, find_films

DRAFT = Decision("viral", {"normal": 0.1, "viral": 0.9}, 0.9, "balanced", 0.5, "pneumonia", "pneumonia")


@pytest.fixture
def store(tmp_path: Path):
    """A signed film, a draft, a discarded draft and a refused film, and then the signed film's visit was corrected."""
    opened = open_store(tmp_path)
    for record_id, label in (("SIGNED", "12"), ("DRAFT", "A_2"), ("GONE", "Ångström")):
        visit = Visit(label, 2.0, "F")
        opened.add_draft(Draft(record_id, record_id, DRAFT, ModelIdentity("m", "1", "0" * 64), "test", visit=visit))
    reviews.sign(opened, Signature("SIGNED", "RD", "viral"))
    reviews.discard(opened, "GONE", "RD", "twice", 0)
    seen = opened.record("SIGNED").version
    reviews.sign(opened, Signature("SIGNED", "RD", "viral", seen, reason="wrong label", visit=Visit("0412", 3.0, "F")))
    film = RefusedFilm("REFUSED", "f", "rejected", "sideways", "It lies on its side.", visit=Visit("0413"))
    intake.add_refused_film(opened, film)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), ["REFUSED", "GONE", "DRAFT", "SIGNED"]),
        (Search("041"), ["REFUSED", "SIGNED"]),
        (Search("12"), ["SIGNED"]),  # part of 0412; the label that was corrected is not looked at
        (Search("A_2"), ["DRAFT"]),
        (Search("%"), []),
        (Search("ngstr"), ["GONE"]),
        (Search("rd"), ["GONE", "SIGNED"]),
        (Search("refused"), ["REFUSED"]),  # an ID
        (Search("x", ("viral", "bacterial")), ["SIGNED"]),
        (Search("1999-01"), []),
        (Search(show="signed"), ["SIGNED"]),
        (Search(show="draft"), ["DRAFT"]),
        (Search(show="discarded"), ["GONE"]),
        (Search(show="refused"), ["REFUSED"]),
        (Search(show="week"), ["REFUSED", "GONE", "DRAFT", "SIGNED"]),
        (Search("041", show="signed"), ["SIGNED"]),
        (Search(page=2), []),
    ],
)
def test_films_are_found(store, search, found):
    films, count = find_films(store, search)
    assert sorted(film.id for film in films) == sorted(found)
    assert count == (4 if search.page == 2 else len(found))


def test_a_day_is_that_of_the_machines_time_zone(store, monkeypatch):
    monkeypatch.setenv("TZ", "Etc/GMT-3")  # three hours ahead of UTC
    time.tzset()
    try:
        with store.writing() as act:
            act.execute("UPDATE refused_films SET at = '2026-03-24T23:30:00Z'")
        assert [find_films(store, Search(day))[1] for day in ("2026-03-24", "2026-03-25", "2026-03")] == [0, 1, 1]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_pages_hold_fifty_films_the_latest_first(store):
    for number in range(PAGE):
        intake.add_refused_film(store, RefusedFilm(f"R{number:02}", f"f{number}", "rejected", "blank", "Blank."))
        with store.writing() as act:
            act.execute(
                "UPDATE refused_films SET at = ? WHERE id = ?", (f"2099-01-01T00:00:{number:02}Z", f"R{number:02}")
            )
    pages = [find_films(store, Search(page=page))[0] for page in (1, 2, 3)]
    assert [film.id for film in pages[0]] == [f"R{number:02}" for number in reversed(range(PAGE))]
    assert [len(page) for page in pages] == [PAGE, 4, 0]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE records SET answer = '{' || answer WHERE id = 'DRAFT'",
        "UPDATE records SET warnings = '' WHERE id = 'DRAFT'",
        "UPDATE records SET model = '[]' WHERE id = 'DRAFT'",
    ],
)
def test_a_record_that_does_not_parse_stands_among_the_others_as_damaged(store, damage):
    with store.writing() as act:
        act.execute("DROP TRIGGER records_no_update")
        act.execute(damage)
    films, count = find_films(store, Search())
    assert count == 4
    assert [film.id for film in films if isinstance(film, DamagedRecord)] == ["DRAFT"]
    page = record_list(films, count, Search(), Frame("en"), hidden=False)
    assert "<td>DRAFT</td>" in page
    assert page.count("<tr class=") == 3
