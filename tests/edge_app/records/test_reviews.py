"""What a signature means: it is of the draft that was seen, it stays, and whoever changes it says why."""

from pathlib import Path

import pytest
from tests_support import A_MODEL, a_decision

from edge_app.errors import ReviewRefused, StoreError
from edge_app.records import audit
from edge_app.records.database import Store, open_store
from edge_app.records.record import DISCARDED, MAX_REGIONS, Draft, Signature, Visit, new_record_id, verdict_of
from edge_app.records.reviews import discard, history, name_visit, sign, withdraw


@pytest.fixture
def store(tmp_path: Path):
    with_record = open_store(tmp_path)
    yield with_record
    with_record.close()


@pytest.fixture
def draft(store: Store) -> str:
    record_id = new_record_id()
    store.add_draft(Draft(record_id, "f", a_decision(0.99), A_MODEL, "r"))
    return record_id


def refused(code: str):
    return pytest.raises(ReviewRefused, check=lambda error: error.code == code)


def test_a_stale_tab_replaces_no_signature(store, draft):
    sign(store, Signature(draft, "AB", "pneumonia"))
    with refused("stale"):
        sign(store, Signature(draft, "CD", "normal", seen=0, reason="mine is right"))
    with refused("stale"):
        discard(store, draft, "CD", "twice", seen=0)
    assert store.record(draft).review.reader == "AB"


def test_who_said_whose_film_it_is_is_somebody_and_not_the_last_reader(store, draft, monkeypatch):
    name_visit(store, draft, Visit("ANNA"), "page", 0)
    with refused("stale_named"):
        sign(store, Signature(draft, "AB", "pneumonia"))
    sign(store, Signature(draft, "AB", "pneumonia", store.record(draft).version))
    with refused("stale"):
        sign(store, Signature(draft, "CD", "pneumonia"))
    withdraw(store, draft, "AB", "wrong child", store.record(draft).version)
    monkeypatch.setattr(audit, "now", lambda: "2999-01-01T00:00:00Z")
    name_visit(store, draft, Visit("BEN"), "page", store.record(draft).version)
    with refused("stale_named"):
        sign(store, Signature(draft, "AB", "pneumonia"))


def test_no_more_regions_are_signed_than_a_film_takes(store, draft):
    marked = ((0.1, 0.1, 0.2, 0.2),) * (MAX_REGIONS + 1)
    with pytest.raises(StoreError, match="9 regions are marked, expected 8 at most"):
        sign(store, Signature(draft, "AB", "pneumonia", regions=marked))
    sign(store, Signature(draft, "AB", "pneumonia", regions=marked[1:]))


def test_an_amendment_says_why_and_both_signatures_stay(store, draft):
    sign(store, Signature(draft, "AB", "pneumonia"))
    seen = store.record(draft).version
    with refused("no_reason"):
        sign(store, Signature(draft, "CD", "normal", seen, reason="  "))
    sign(store, Signature(draft, "CD", "normal", seen, reason="the other film shows it"))
    assert [(act.reader, act.finding, act.reason) for act in history(store, draft)] == [
        ("AB", "pneumonia", ""),
        ("CD", "normal", "the other film shows it"),
    ]


def test_only_who_signed_withdraws_and_a_draft_cannot_be_withdrawn(store, draft):
    with refused("not_signed"):
        withdraw(store, draft, "AB", "why not", 0)
    sign(store, Signature(draft, "AB", "pneumonia"))
    seen = store.record(draft).version
    with refused("not_yours"):
        withdraw(store, draft, "CD", "I disagree", seen)
    withdraw(store, draft, "AB", "wrong child", seen)
    assert store.record(draft).status == "draft"
    assert [entry.detail for entry in store.audit_log()][-2:] == ["agree: pneumonia", "review withdrawn"]


def test_a_discarded_draft_waits_no_longer_and_a_signed_one_cannot_be_discarded(store, draft):
    with refused("no_reason"):
        discard(store, draft, "AB", "", 0)
    discard(store, draft, "AB", "handed in twice", 0)
    assert (store.record(draft).status, store.records("draft"), len(store.records("discarded"))) == (DISCARDED, [], 1)
    sign(store, Signature(draft, "AB", "pneumonia", store.record(draft).version))
    with refused("signed"):
        discard(store, draft, "AB", "again", store.record(draft).version)


def test_agreement_is_computed_and_cannot_contradict_the_finding(store, draft):
    sign(store, Signature(draft, "AB", "normal"))
    assert store.record(draft).review.verdict == "disagree"
    cases = (
        ("pneumonia", "viral", "agree"),
        ("pneumonia", "normal", "disagree"),
        ("normal", "normal", "agree"),
        ("normal", "bacterial", "disagree"),
        ("uncertain", "pneumonia", "undecided"),
        ("pneumonia", "unusable", "undecided"),
    )
    assert [verdict_of(decision, finding) for decision, finding, _ in cases] == [expected for *_, expected in cases]
