"""What people do with a draft: say whose it is, sign it, amend or withdraw a signature, discard it. All is kept."""

import heapq
import json
from dataclasses import asdict

from edge_app.errors import ReviewRefused, StoreError
from edge_app.reading.answer import Refusal
from edge_app.records import audit
from edge_app.records.database import SCORED, Store, review_of
from edge_app.records.intake import refuse_draft
from edge_app.records.record import (
    DISCARDED,
    FINDINGS,
    MAX_REGIONS,
    MAX_TEXT,
    NAMED,
    WITHDRAWN,
    Review,
    Signature,
    Visit,
    verdict_of,
)


def name_visit(
    store: Store, record_id: str, visit: Visit, actor: str, seen: int, refusal: Refusal | None = None
) -> None:
    """Say whose film a draft is of.

    Args:
        seen: as in `Signature`.
        refusal: why this child's film must not be scored: it is a refused film from now on, and no draft.
    Raises:
        ReviewRefused: the record is no longer as it was seen; or it is signed, so that only an amendment says so.
        StoreError: no such record, or it could not be written.
    """
    with store.writing() as act:
        _, last = _as_seen(act, record_id, seen)
        if last and last.finding:
            raise ReviewRefused("named_late", "It is signed: amend the signature to say whose film it is.")
        _name(act, record_id, visit, actor)
        if refusal:
            refuse_draft(act, record_id, visit, refusal)


def sign(store: Store, signature: Signature) -> None:
    """Sign a draft, or amend a signature, which needs a reason. Whether it agrees with the draft is computed.

    The caller has checked the reader's PIN (`edge_app.records.readers`).

    Raises:
        ReviewRefused: the record is no longer as the reader saw it, or an amendment has no reason.
        StoreError: no such record, an unknown finding, too many regions, or it could not be written.
    """
    if signature.finding not in FINDINGS:
        raise StoreError(f"a finding is one of {FINDINGS}, got {signature.finding}")
    if len(signature.regions) > MAX_REGIONS:
        raise StoreError(f"{len(signature.regions)} regions are marked, expected {MAX_REGIONS} at most: remove some")
    with store.writing() as act:
        decision, last = _as_seen(act, signature.record_id, signature.seen)
        if last and last.finding and not signature.reason.strip():
            raise ReviewRefused("no_reason", "It is signed already: say why the signature is amended.")
        if signature.visit:
            _name(act, signature.record_id, signature.visit, signature.reader)
        verdict = verdict_of(decision, signature.finding)
        kept = (signature.own_impression, signature.regions, signature.comment, signature.reason)
        _add(act, Review(signature.record_id, signature.reader, verdict, signature.finding, *kept))


def withdraw(store: Store, record_id: str, reader: str, reason: str, seen: int) -> None:
    """Withdraw one's own signature: the record is a draft again.

    Raises:
        ReviewRefused: as `sign`; nobody has signed it, or somebody else did.
        StoreError: as `sign`.
    """
    with store.writing() as act:
        _, last = _as_seen(act, record_id, seen)
        if not (last and last.finding):
            raise ReviewRefused("not_signed", "Nobody has signed it, so there is nothing to withdraw.")
        if last.reader != reader:
            raise ReviewRefused("not_yours", f"{last.reader} signed it: amend it and say why.", reader=last.reader)
        _add(act, Review(record_id, reader, WITHDRAWN, reason=_needed(reason)))


def discard(store: Store, record_id: str, reader: str, reason: str, seen: int) -> None:
    """Take a draft off the list of those that wait, for example because the film was handed in twice.

    Raises:
        ReviewRefused: as `sign`; or it is signed.
        StoreError: as `sign`.
    """
    with store.writing() as act:
        _, last = _as_seen(act, record_id, seen)
        if last and last.finding:
            raise ReviewRefused("signed", "It is signed: withdraw the signature first.")
        _add(act, Review(record_id, reader, DISCARDED, reason=_needed(reason)))


def history(store: Store, record_id: str) -> list[Review]:
    """Every act on a record, the first one first."""
    named = "SELECT at, label, age_years, sex FROM visits WHERE record_id = ? ORDER BY seq"
    with store.reading() as db:
        rows = db.execute("SELECT * FROM reviews WHERE record_id = ? ORDER BY seq", (record_id,)).fetchall()
        visits = db.execute(named, (record_id,)).fetchall()
    said = [Review(record_id, "", NAMED, at=at, visit=Visit(*visit)) for at, *visit in visits]
    return list(heapq.merge(said, map(review_of, rows), key=lambda act: act.at))


def _as_seen(act: audit.Act, record_id: str, seen: int) -> tuple[str, Review | None]:
    """The draft's decision and the last act, which must be the one that the reader saw."""
    query = (
        f"SELECT decision, COALESCE(MAX(visits.seq), 0), COALESCE(MAX(visits.at), '') FROM {SCORED}"
        " LEFT JOIN visits ON record_id = records.id WHERE records.id = ? GROUP BY records.id"
    )
    found = act.execute(query, (record_id,)).fetchone()
    if not found:
        raise StoreError(f"there is no record {record_id}")
    decision, named, named_at = found
    row = act.execute("SELECT * FROM reviews WHERE record_id = ? ORDER BY seq DESC LIMIT 1", (record_id,)).fetchone()
    last = review_of(row) if row else None
    if (last.number if last else 0) + named != seen:
        again = "changed this record meanwhile: look at it again before you sign."
        if not last or last.at < named_at:  # whoever says whose film it is need not be a reader
            raise ReviewRefused("stale_named", f"Somebody {again}")
        raise ReviewRefused("stale", f"{last.reader} {again}", reader=last.reader)
    return decision, last


def _name(act: audit.Act, record_id: str, visit: Visit, actor: str) -> None:
    row = act.insert("visits", record_id=record_id, at=audit.now(), **asdict(visit))
    act.note(actor, "visit named", record_id, written=[row])


def _needed(reason: str) -> str:
    if not reason.strip():
        raise ReviewRefused("no_reason", "Say why.")
    return reason


def _add(act: audit.Act, review: Review) -> None:
    row = act.insert(
        "reviews",
        record_id=review.record_id,
        at=audit.now(),
        reader=review.reader,
        verdict=review.verdict,
        finding=review.finding,
        own_impression=review.own_impression,
        region=json.dumps(review.regions),
        comment=review.comment[:MAX_TEXT],
        reason=review.reason[:MAX_TEXT],
    )
    what = f"{review.verdict}: {review.finding}" if review.finding else f"review {review.verdict}"
    act.note(review.reader, "review", review.record_id, what, [row])
