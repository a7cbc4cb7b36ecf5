"""One record on one page of paper: who says what about whose film, with everything that was done to it."""

import base64
from html import escape

from edge_app.imaging.contour import Point
from edge_app.kiosk.language import place_in_words
from edge_app.kiosk.views.document import Frame, definitions, document, full_moment
from edge_app.kiosk.views.words import (
    SYMBOLS,
    Words,
    about_child,
    act_in_words,
    changes_in_words,
    intended_use,
    kind_of,
    name_of,
    threshold_in_words,
)
from edge_app.model.card import ModelCard
from edge_app.reading.decision import score_points
from edge_app.records.record import DISCARDED, Region, Review
from edge_app.workflow.case import Case


def report(case: Case, card: ModelCard, history: list[Review], frame: Frame, hidden: bool) -> str:
    """A draft, a signed finding or a discarded draft; it says truly which.

    Args:
        card: of the current model; a draft of an older model names that model.
        history: the acts of readers, the first one first.
        hidden: readers are asked first, so the model's answer shows only on a signed report.
    """
    w = Words(frame.language)
    hidden = hidden and case.review is None
    title = f"{w('report_title')} · {name_of(case, w)}"
    clinic = f'<p class="clinic">{escape(frame.clinic)}</p>' if frame.clinic else ""
    child = definitions(
        (w("label"), f"<b><bdi>{escape(case.visit.label)}</bdi></b>"),
        (w("age_and_sex"), about_child(case.visit, w)),
        (w("report_time"), full_moment(case.created_at)),
        (w("report_id"), case.id),
    )
    drafts = f"<p class='fine'>{w('draft_only')}</p>" if case.status == "draft" else ""
    body = (
        f'{clinic}<h1>{title}</h1>{child}<p class="write">{w("report_patient")}</p>'
        f"{_state(case, history, w)}{_machine(case, w, hidden)}{changes_in_words(case.turnings, w)}"
        f"{_films(case, w, hidden)}{_history(history, w)}"
        f"{intended_use(card, w)}{drafts}"
        f'<p class="write">{w("report_signature")}</p><p class="fine">{w("printed")} {full_moment()}</p>'
    )
    return document(title, f'<article class="report {case.status}">{body}</article>', frame)


def _state(case: Case, history: list[Review], w: Words) -> str:
    """Whether it is a finding, and whose."""
    review = case.review
    if review is None:
        if case.status != DISCARDED:
            return f'<p class="alert">{w("report_draft")}</p>'
        act = next(act for act in reversed(history) if act.verdict == DISCARDED)  # a naming may follow it
        return f'<p class="alert">{w("report_discarded", reader=act.reader, reason=act.reason)}</p>'
    own = w(f"finding_{review.own_impression}") if review.own_impression else ""
    return f'<h2>{w("report_final")}</h2><p class="finding">{w.of("finding", review.finding)}</p>' + definitions(
        (w("reader"), f"<bdi>{escape(review.reader)}</bdi>, {full_moment(review.at)}"),
        (w("reader_and_draft"), w(review.verdict)),
        (w("own_impression"), own),
        (w("comment"), escape(review.comment)),
    )


def _machine(case: Case, w: Words, hidden: bool) -> str:
    decision, model, place = case.answer.decision, case.answer.model, case.answer.evidence_place
    named = (w("model"), f'<bdi dir="ltr">{escape(f"{model.name} {model.version} ({model.sha256[:12]})")}</bdi>')
    if hidden:
        return f"<h2>{w('report_machine')}</h2><p>{w('report_hidden')}</p>{definitions(named)}"
    kind = kind_of(case)
    threshold = threshold_in_words(decision.threshold, decision.operating_point, w)
    return f"<h2>{w('report_machine')}</h2>" + definitions(
        (w("decision"), f"{SYMBOLS[kind]} {w.of('decision', decision.decision)}"),
        (w("score"), f"{w('score_of_100', score=score_points(decision.p_finding))} · {threshold}"),
        (w("report_place"), escape(place_in_words(w.language, place)) if place else ""),
        (w("warnings"), " ".join(w.of("warning", code) for code in case.answer.warnings)),
        named,
    )


def _films(case: Case, w: Words, hidden: bool) -> str:
    shown = case.pictures
    if not shown.film_jpeg:
        return f'<p class="fine">{w("film_gone")}</p>'
    film = f'<img src="data:image/jpeg;base64,{_text(shown.film_jpeg)}" alt="{w("film")}">'
    marks = "".join(_mark(region) for region in case.review.regions) if case.review else ""
    figures = _figure(film + marks, w("legend_marks" if marks else "film"))
    if shown.contour and not hidden:
        figures += _figure(film + _drawn(shown.contour, w), w("legend_contour"))
    return f'<div class="films">{figures}</div>'


def _drawn(contour: tuple[tuple[Point, ...], ...], w: Words) -> str:
    """The contour as lines over the whole film."""
    lines = "".join(f'<polygon points="{" ".join(f"{x:.4f},{y:.4f}" for x, y in points)}"/>' for points in contour)
    return (
        f'<svg class="over" viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label="{w("film_contour")}">'
        f"{lines}</svg>"
    )


def _figure(layers: str, legend: str) -> str:
    return f'<figure><div class="layers">{layers}</div><figcaption>{legend}</figcaption></figure>'


def _mark(region: Region) -> str:
    left, top, right, bottom = (100 * end for end in region)
    place = f"left:{left:.1f}%;top:{top:.1f}%;width:{right - left:.1f}%;height:{bottom - top:.1f}%"
    return f'<div class="mark" style="{place}"></div>'


def _history(history: list[Review], w: Words) -> str:
    if not history:
        return ""
    acts = "".join(f"<li>{act_in_words(act, full_moment(act.at), w)}</li>" for act in history)
    return f"<h2>{w('history')}</h2><ol>{acts}</ol>"


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
