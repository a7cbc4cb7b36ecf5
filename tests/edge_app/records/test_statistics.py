"""The site's statistics against values worked out by hand."""

import sqlite3
from pathlib import Path

import pytest

from edge_app.model.card import ModelIdentity
from edge_app.reading.decision import Decision
from edge_app.records import reviews
from edge_app.records.database import Store, open_store
from edge_app.records.record import Draft, Region, Signature, new_record_id
from edge_app.records.statistics import (
    Drift,
    GeometryDrift,
    agreement_by_month,
    drift,
    films_by_month,
    geometry_drift,
    kept_impressions,
)

MODEL, OTHER = ModelIdentity("compact", "1", "a" * 64), ModelIdentity("compact", "2", "b" * 64)


@pytest.fixture
def store(tmp_path: Path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def add(store: Store, p: float, model: ModelIdentity = MODEL, lungs: Region | None = None) -> str:
    record_id = new_record_id()
    shares = {"normal": 1 - p, "bacterial": p, "viral": 0.0}
    decision = "pneumonia" if p >= 0.5 else "normal"
    made = Decision("normal", shares, p, "balanced", 0.5, decision, "pneumonia")
    store.add_draft(Draft(record_id, record_id, made, model, "test", lung_field=lungs))
    return record_id


def sign(store: Store, record_id: str, finding: str, own: str = "") -> None:
    record = store.record(record_id)
    assert record is not None
    reviews.sign(store, Signature(record_id, "AB", finding, record.version, own, reason="because"))


def test_agreement_counts_the_signature_that_stands_and_has_wilsons_interval(store):
    for finding in ("pneumonia", "viral", "bacterial", "normal", "other"):
        sign(store, add(store, 0.9), finding)
    changed = add(store, 0.1)
    sign(store, changed, "pneumonia")
    sign(store, changed, "normal")  # amended: now it agrees
    taken_back = add(store, 0.9)
    sign(store, taken_back, "normal")
    reviews.withdraw(store, taken_back, "AB", "wrong child", store.record(taken_back).version)
    [month] = agreement_by_month(store)
    assert (month.agree, month.disagree, month.undecided) == (4, 1, 1)
    # Wilson for 4 of 5, z = 1.96: centre (0.8 + 1.9208/5) / (1 + 3.8415/5) = 0.6697; half width 0.2938.
    assert (month.share.value, month.share.low, month.share.high) == pytest.approx((0.8, 0.3755, 0.9638), abs=1e-4)


def test_first_impressions_that_were_signed_are_counted_with_pneumonia_as_one_finding(store):
    sign(store, add(store, 0.9), "bacterial", own="pneumonia")  # kept
    sign(store, add(store, 0.9), "pneumonia", own="normal")  # changed
    sign(store, add(store, 0.9), "normal")  # was not asked
    amended = add(store, 0.9)
    sign(store, amended, "pneumonia", own="normal")
    sign(store, amended, "normal")  # kept in the end
    assert kept_impressions(store) == (2, 3)


def test_films_are_counted_by_month_the_latest_first(store):
    for _ in range(3):
        add(store, 0.9)
    with sqlite3.connect(store.path) as db:
        db.execute("DROP TRIGGER records_no_update")
        db.execute("UPDATE records SET created_at = '2025-02-28T23:59:59Z' WHERE rowid = 1")
    (_, latest), first = films_by_month(store)
    assert (latest, first) == (2, ("2025-02", 1))


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    # Of 200 and 100 films. Pooled share of 60 and 45: 105/300 = 0.35; error sqrt(.35 * .65 * .015) = 0.05842;
    # (0.45 - 0.30) / 0.05842 = 2.568, just below 2.5758. With 46: 2.730 (pooled 0.3533, error 0.05854).
    [(60, 45, "as_before"), (60, 46, "more"), (60, 16, "fewer"), (60, 17, "as_before"), (0, 0, "as_before")],
)
def test_drift_is_told_by_the_last_hundred_films_against_the_first_two_hundred(store, first, last, kind):
    scores = [0.9] * first + [0.1] * (200 - first) + [0.5] * 7 + [0.9] * last + [0.1] * (100 - last)
    for score in scores[:299]:
        add(store, score)
    add(store, 0.9, OTHER)  # another model's scores say nothing of this one
    assert drift(store, MODEL.sha256, 0.5) == Drift("too_few", 299)
    for score in scores[299:]:
        add(store, score)
    assert drift(store, MODEL.sha256, 0.5) == Drift(kind, 307, first / 200, last / 100)


# The card: lungs 0.60 high with a spread of 0.08, and 0.70 wide with a spread of 0.05.
CARD = {
    "height": {"films": 900, "mean": 0.6, "spread": 0.08},
    "width": {"films": 900, "mean": 0.7, "spread": 0.05},
}


@pytest.mark.parametrize(
    ("height", "width", "kind"),
    [
        (0.6, 0.7, "as_before"),
        (0.67, 0.7, "as_before"),
        (0.69, 0.7, "larger"),
        (0.6, 0.64, "smaller"),
        (0.65, 0.6, "smaller"),
    ],
)
def test_geometry_drift_is_told_once_a_mean_lies_more_than_a_spread_off_the_card_s(store, height, width, kind):
    add(store, 0.9, lungs=(0.0, 0.0, 0.1, 0.1))  # older than the last hundred
    for number in range(99):
        wobble = 0.02 if number % 2 else -0.02
        add(store, 0.9, lungs=(0.1, 0.1, 0.1 + width + wobble, 0.1 + height - wobble))
    add(store, 0.9, OTHER, (0.0, 0.0, 0.1, 0.1))  # another model's
    add(store, 0.9)  # as a record of 0.4.0, without a lung field
    assert geometry_drift(store, OTHER.sha256, CARD) == GeometryDrift("too_few")
    latest = add(store, 0.9, lungs=(0.1, 0.1, 0.1 + width + 0.02, 0.1 + height - 0.02))
    found = geometry_drift(store, MODEL.sha256, CARD)
    assert (found.kind, found.width, found.height) == (kind, pytest.approx(width), pytest.approx(height))
    assert store.record(latest).lung_field == pytest.approx((0.1, 0.1, 0.12 + width, 0.08 + height))
    assert geometry_drift(store, MODEL.sha256, {}).kind == "as_before", "a card without a reference says nothing"
