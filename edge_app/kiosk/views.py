"""The parts of the page as HTML. All text is escaped; pictures are embedded as data URLs."""

import base64
import logging
from collections.abc import Callable, Iterable
from functools import partial
from html import escape
from typing import TypeVar

from edge_app.imaging.formats.registry import format_names
from edge_app.kiosk.language import LANGUAGES, direction, place_in_words, refusal, say, words
from edge_app.model.card import ModelCard
from edge_app.reading.answer import Refusal
from edge_app.reading.decision import Decision, band_in_use, score_points
from edge_app.records.database import FINDINGS, Record
from edge_app.workflow.case import Case, Pictures

OTHER = "other"  # a decision of a model whose classes the page has no words for
SYMBOLS = {"pneumonia": "▲", "uncertain": "◆", "normal": "●", "refused": "✕", "unread": "?", OTHER: "■"}
HINTED = ("bacterial", "viral")
BROKEN_ROW = "<li>{id}: {why}</li>"
LOG = logging.getLogger(__name__)
T = TypeVar("T", Case, Record)


class Words:
    """Escaped words of one language: `w("score")`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """One text with its gaps filled, escaped for HTML."""
        return escape(say(self.language, key, **values))

    def of(self, kind: str, value: str) -> str:
        """What the page says for a value: `w.of("decision", "normal")`. A value that has no word is shown as it is."""
        return escape(words(self.language).get(f"{kind}_{value}", value))


def each_row(row: Callable[[T, Words], str], listed: Iterable[T], w: Words, broken: str) -> str:
    """The rows of a list; one that cannot be shown says so in `broken`, which has gaps for id and words."""
    rows = []
    for item in listed:
        try:
            rows.append(row(item, w))
        except Exception as error:  # one damaged record must not hide the others
            LOG.info("record %s cannot be shown: %r", item.id, error)
            rows.append(broken.format(id=escape(item.id), why=w("row_damaged")))
    return "".join(rows)


def kind_of(decision: str) -> str:
    """How the page marks a decision: a key of SYMBOLS."""
    return decision if decision in SYMBOLS else OTHER


def header(card: ModelCard, language: str, not_saved: str = "", not_deleted: str = "") -> str:
    """Name, model, language list, and the banners that must always be visible.

    Args:
        not_saved: why records cannot be written; empty when they can.
        not_deleted: why old records stay; empty when they are deleted.
    """
    w = Words(language)
    options = "".join(
        f'<option value="{code}"{" selected" if code == language else ""}>{name}</option>'
        for code, name in LANGUAGES.items()
    )
    banners = f'<div class="banner phantom" role="alert">{w("phantom_banner")}</div>' if card.phantom else ""
    if not_saved:
        banners += f'<div class="banner warn" role="alert">{w("not_saved_banner", why=not_saved)}</div>'
    if not_deleted:
        banners += f'<div class="banner warn" role="alert">{w("not_deleted_banner", why=not_deleted)}</div>'
    return (
        f'<header dir="{direction(language)}"><div class="brand"><span class="logo" aria-hidden="true"></span>'
        f"<span><strong>{w('app_name')}</strong><small>{w('draft_only')}</small></span></div>"
        f'<div class="meta"><a class="link" href="record">{w("record")}</a>'
        f'<span class="chip" title="{w("model")}">{escape(card.name)} {escape(card.version)}</span>'
        f'<label><span class="sr">{w("language")}</span><select class="language">{options}</select></label></div>'
        f"</header>{banners}"
    )


def picker(language: str) -> str:
    """The drop zone; `static/picker.js` uploads the films one by one."""
    w = Words(language)
    reading = w("reading_n", done="{done}", total="{total}")  # the script fills these gaps
    return (
        f'<div class="picker" dir="{direction(language)}" data-reading="{reading}">'
        f'<label class="drop"><input type="file" multiple class="films"><b>{w("choose_films")}</b>'
        f"<small>{w('choose_hint', formats=', '.join(format_names()))}</small></label>"
        f'<div class="progress" role="status" aria-live="polite" hidden><progress max="1" value="0"></progress>'
        f'<span></span><button type="button" class="cancel">{w("cancel")}</button></div></div>'
    )


def case_lists(read: list[Case], waiting: list[Case], chosen: str, language: str, hidden: bool = False) -> str:
    """The films of this session, the newest first, and all unsigned drafts, the most urgent first.

    Args:
        chosen: ID of the film that is shown.
        hidden: show no score and no decision, because the reader is asked first.
    """
    w = Words(language)
    listed = {case.id for case in read}
    others = [case for case in waiting if case.id not in listed]
    parts = [("just_read", read), ("waiting", others)]
    sections = "".join(
        f'<h2>{w(title)} <span class="count">{len(cases)}</span></h2><ul class="list">'
        f"{each_row(partial(_row, chosen=chosen, hidden=hidden), cases, w, BROKEN_ROW)}</ul>"
        for title, cases in parts
        if cases
    )
    empty = f'<p class="fine">{w("nothing_waiting")}</p>' if not sections else ""
    return f'<section dir="{direction(language)}">{sections}{empty}</section>'


def viewer(case: Case | None, language: str, hidden: bool = False) -> str:
    """The film with its heatmap and viewing tools; `static/viewer.js` moves them.

    Args:
        hidden: show no heatmap, because the reader is asked first.
    """
    w = Words(language)
    if case is None:
        return (
            f'<div class="empty" dir="{direction(language)}"><span class="logo big" aria-hidden="true"></span>'
            f"<p><b>{w('no_film_yet')}</b></p><p>{w('no_film_steps')}</p><p>{w('offline')}</p></div>"
        )
    shown = case.pictures
    if not shown.film_jpeg:
        why = "no_film_steps" if case.answer.refusal else "film_gone"
        return f'<div class="empty" dir="{direction(language)}"><p>{w(why)}</p></div>'
    film = f'<img class="film" src="{_data_url("image/jpeg", shown.film_jpeg)}" alt="{w("film_alt", id=case.id)}">'
    move = f'<div class="move" style="--aspect:{shown.aspect:.4f}">{film}'
    plain = f'<figure class="pane plain">{move}</div></figure>'
    heat = "" if hidden else _heat(shown, w)
    mapped = f'<figure class="pane mapped">{move}{heat}<div class="mark" hidden></div></div></figure>'
    return (
        f'<div class="viewer" data-id="{case.id}" data-mode="heat" dir="ltr">{_tools(w, bool(shown.heat_png))}'
        f'<div class="stage" tabindex="0">{plain}{mapped}</div>{_legend(case, w) if shown.heat_png else ""}</div>'
    )


def answer(case: Case | None, card: ModelCard, language: str, hidden: bool = False) -> str:
    """Score, decision, threshold, hint, notes on the film, and who signed.

    Args:
        hidden: ask for the reader's own impression instead of showing the answer.
    """
    w = Words(language)
    if case is None:
        return ""
    if case.answer.refusal:
        body = _refusal(case.answer.refusal, w)
    elif hidden:
        body = _impression(w)
    else:
        body = _score(case, card, w)
    return f'<div class="answer" dir="{direction(language)}" data-id="{case.id}">{body}</div>'


def about(card: ModelCard, language: str) -> str:
    """The model's intended use, in the card's own language, because a translation could change its meaning."""
    w = Words(language)
    limits = "".join(f"<li>{escape(item)}</li>" for item in card.not_checked)
    return (
        f'<section class="about" dir="{direction(language)}"><h3>{w("intended_use")}</h3>'
        f'<p dir="ltr">{escape(card.intended_use)}</p>'
        f'<details><summary>{w("not_checked")}</summary><ul dir="ltr">{limits}</ul></details>'
        f"<p class='fine'>{w('model')}: <bdi>{escape(card.name)} {escape(card.version)}</bdi></p></section>"
    )


def moment(at: str) -> str:
    """An ISO 8601 time in UTC, to the minute, for display."""
    return f"{at[:10]} {at[11:16]} UTC"


def _row(case: Case, w: Words, chosen: str, hidden: bool) -> str:
    kind, title, score = _row_words(case, w, hidden)
    current = ' aria-current="true"' if case.id == chosen else ""
    state = f"{w('signed')} · " if case.review else ""
    tick = ' <span class="tick" aria-hidden="true">✓</span>' if case.review else ""
    return (
        f'<li><button type="button" class="case {kind}" data-id="{case.id}"{current}>'
        f'<span class="mini" aria-hidden="true">{SYMBOLS[kind]}</span><span class="what"><b>{title}{tick}</b>'
        f'<small>{state}<span class="name" data-id="{case.id}"></span> {case.id}</small></span>'
        f'<span class="num">{score}</span></button></li>'
    )


def _row_words(case: Case, w: Words, hidden: bool) -> tuple[str, str, str]:
    """Kind, title and score of a row."""
    if case.answer.refusal:
        return "refused", w("refused"), "–"
    if hidden and not case.review:
        return "unread", w("draft"), "?"
    decision = case.answer.decision
    return kind_of(decision.decision), w.of("decision", decision.decision), str(score_points(decision.p_finding))


def _score(case: Case, card: ModelCard, w: Words) -> str:
    decision = case.answer.decision
    score, threshold = score_points(decision.p_finding), score_points(decision.threshold)
    kind = kind_of(decision.decision)
    advice = w(f"advice_{kind}") if kind != OTHER else ""
    zone = between = ""
    if band := band_in_use(decision.threshold, card.uncertainty_band):
        low, high = (score_points(end) for end in band)
        zone = f'<i class="zone" style="--from:{low};--to:{high}"></i>'
        between = f" · {w('uncertain_from_to', low=low, high=high)}"
    unsaved = "" if case.saved else f'<span class="tag">{w("not_saved")}</span>'
    return (
        f'<section class="result {kind}" aria-live="polite"><p class="verdict">'
        f'<span aria-hidden="true">{SYMBOLS[kind]}</span>{w.of("decision", decision.decision)}{unsaved}</p>'
        f'<p class="score"><b>{score}</b><span>/ 100</span></p>'
        f'<div class="scale" role="img" aria-label="{w("score_of_100", score=score)}" '
        f'style="--score:{score};--threshold:{threshold}">'
        f'{zone}<i class="tick"></i><i class="needle"></i></div>'
        f"<p class='fine'>{w('threshold_at', threshold=threshold, point=decision.operating_point)}{between}</p>"
        f"<p class='advice'>{advice}</p></section>"
        f"{_notes(case, w)}{_hint(decision, w)}<p class='fine'>{w('record_id', id=case.id)}</p>"
    )


def _impression(w: Words) -> str:
    buttons = "".join(
        f'<button type="button" data-finding="{finding}">{w(f"finding_{finding}")}</button>' for finding in FINDINGS
    )
    return (
        f'<section class="result unread"><p class="verdict">{w("own_impression_title")}</p>'
        f'<p class="fine">{w("own_impression_why")}</p><div class="choices">{buttons}</div></section>'
    )


def _notes(case: Case, w: Words) -> str:
    """Warnings about the film, and who signed."""
    notes = "".join(f"<li>{w.of('warning', code)}</li>" for code in case.answer.warnings)
    notes = f'<ul class="notes" aria-label="{w("warnings")}">{notes}</ul>' if notes else ""
    review = case.review
    if review is None:
        return notes
    dicom = f' · <a class="link" href="dicom/{case.id}" download>{w("dicom_result")}</a>' if case.origin else ""
    signed = w("signed_by", reader=review.reader, at=moment(review.at))
    return (
        f'{notes}<section class="signed"><p><b>✓ {w.of("finding", review.finding)}</b> · '
        f"{w(review.verdict)}</p><p class='fine'>{signed}</p>"
        f'<a class="link" href="report/{case.id}" target="_blank" rel="noopener">{w("report")}</a>{dicom}</section>'
    )


def _hint(decision: Decision, w: Words) -> str:
    """Bacterial or viral: small, worded as weak, and only where there may be pneumonia."""
    shares = decision.probabilities
    if decision.decision == "normal" or not all(label in shares for label in HINTED):
        return ""
    label = max(HINTED, key=lambda name: shares[name])
    percent = score_points(shares[label] / (sum(shares[name] for name in HINTED) or 1.0))
    return (
        f'<details class="hint"><summary>{w("hint_title")}</summary>'
        f"<p>{w(f'hint_{label}', percent=percent)}</p><p><b>{w('hint_warning')}</b></p></details>"
    )


def _refusal(refused: Refusal, w: Words) -> str:
    sentence = refusal(w.language, refused.code, refused.sentence)
    return (
        f'<section class="result refused" role="alert"><p class="verdict"><span aria-hidden="true">{SYMBOLS["refused"]}'
        f"</span>{w('refused')}</p><p class='advice'>{escape(sentence)}</p>"
        f"<p class='fine'>{w('refused_code', code=refused.code)}</p></section>"
    )


def _heat(shown: Pictures, w: Words) -> str:
    if not shown.heat_png:
        return ""
    return f'<img class="heat" src="{_data_url("image/png", shown.heat_png)}" alt="{w("heat_legend")}">'


def _tools(w: Words, has_heat: bool) -> str:
    modes = "".join(
        f'<button type="button" data-set="{mode}" aria-pressed="false">{w(key)}</button>'
        for mode, key in (("film", "film"), ("heat", "heatmap"), ("both", "side_by_side"))
    )
    sliders = "".join(
        f"<label><span>{w(name)}</span>"
        f'<input type="range" data-slide="{name}" min="{low}" max="{high}" value="{value}"></label>'
        for name, low, high, value in (
            ("opacity", 0, 100, 100),
            ("brightness", 30, 250, 100),
            ("contrast", 30, 300, 100),
        )
        if has_heat or name != "opacity"
    )
    buttons = "".join(
        f'<button type="button" data-do="{name}" title="{w(key)}" aria-label="{w(key)}">{sign}</button>'
        for name, key, sign in (
            ("in", "zoom_in", "+"),
            ("out", "zoom_out", "−"),
            ("invert", "invert", "◐"),
            ("mark", "mark_region", "▭"),
            ("reset", "reset_view", "⟲"),
            ("adjust", "adjust", "☰"),
        )
    )
    return (
        f'<div class="tools"><div class="modes" role="group">{modes if has_heat else ""}</div>'
        f'<div class="buttons" role="group">{buttons}</div><div class="sliders">{sliders}</div></div>'
    )


def _legend(case: Case, w: Words) -> str:
    return f'<p class="legend"><i aria-hidden="true"></i>{w("heat_legend")}{_place(case, w)}</p>'


def _place(case: Case, w: Words) -> str:
    """Side and third of the lungs where the evidence lies, as a hint."""
    place = case.answer.evidence_place
    return f": {escape(place_in_words(w.language, place))}" if place else ""


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def message(sentence: str) -> str:
    """An error while signing, read out by screen readers; empty if there is none."""
    return f'<p role="alert">{escape(sentence)}</p>' if sentence else ""
