"""The queue: who waits for a reader, which films were refused, and what was signed last."""

import base64
from functools import partial
from html import escape

from edge_app.kiosk.language import direction, refusal
from edge_app.kiosk.views.words import SYMBOLS, Words, about_child, each_row, kind_of, moment, name_of
from edge_app.workflow.case import Case

MAX_SIGNED = 12
BROKEN_ROW = "<li>{id}: {why}</li>"


def queue(
    waiting: list[Case], refused: list[Case], signed: list[Case], chosen: str, language: str, hidden: bool = False
) -> str:
    """The three lists; `static/queue.js` says which row was chosen.

    Args:
        waiting: the most urgent first. Where readers are asked first, in order of arrival: the order tells the score.
        hidden: readers are asked first.
        chosen: ID of the film that is shown in the reading room.
    """
    w = Words(language)
    if hidden:
        waiting = sorted(waiting, key=by_arrival)
    parts = (("waiting", waiting), ("refused_films", refused), ("signed_lately", signed[:MAX_SIGNED]))
    row = partial(_row, chosen=chosen, w=w, hidden=hidden)
    sections = "".join(
        f'<section aria-label="{w(title)}"><h2>{w(title)} <span class="count">{len(cases)}</span></h2>'
        f'<ul class="list">{each_row(row, cases, w, BROKEN_ROW)}</ul></section>'
        for title, cases in parts
        if cases
    )
    empty = f'<p class="fine">{w("nothing_waiting")}</p>' if not waiting else ""
    return f'<div class="queue" dir="{direction(language)}">{empty}{sections}</div>'


def by_arrival(case: Case) -> tuple[bool, str, str]:
    """Sort key where readers are asked first, so that no order tells the score: films without one, then the oldest."""
    return case.answer.refusal is None, case.created_at, case.id  # an ID is random: it breaks ties of a second


def _row(case: Case, chosen: str, w: Words, hidden: bool) -> str:
    kind = kind_of(case, hidden)
    child = about_child(case.visit, w)
    what = moment(case.created_at)
    if case.source != "page":
        what += f" · {w(f'source_{case.source}')}"
    if reason := case.answer.refusal:
        what += f" · {escape(refusal(w.language, reason.code, reason.sentence))}"
    if case.review:
        what += f" · {w.of('finding', case.review.finding)}, {escape(case.review.reader)}"
    current = ' aria-current="true"' if case.id == chosen else ""
    said = kind if kind in ("refused", "unread") else case.answer.decision.decision
    pill = w("signed") if case.review else w.of("pill", said)
    symbol = "✓" if case.review else SYMBOLS[kind]
    tags = "" if case.saved else f' <b class="tag">{w("not_saved")}</b>'
    tags += "" if case.visit.label else f' <b class="tag">{w("whose_film")}</b>'
    return (
        f'<li><button type="button" class="case {kind}" data-id="{case.id}"{current}>{_thumbnail(case)}'
        f'<span class="what"><b><bdi>{name_of(case, w)}</bdi>{f" · {child}" if child else ""}{tags}</b>'
        f"<small>{what}</small></span>"
        f'<span class="pill"><span aria-hidden="true">{symbol}</span> {pill}</span></button></li>'
    )


def _thumbnail(case: Case) -> str:
    content = case.pictures.thumbnail_jpeg
    if not content:
        return '<span class="thumbnail" aria-hidden="true"></span>'
    return f'<img class="thumbnail" alt="" src="data:image/jpeg;base64,{base64.b64encode(content).decode("ascii")}">'
