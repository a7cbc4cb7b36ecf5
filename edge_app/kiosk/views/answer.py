"""The text next to the film: the draft in words, notes on the film, who signed and what was changed."""

from collections.abc import Sequence
from html import escape

from edge_app.kiosk.language import direction, place_in_words, refusal
from edge_app.kiosk.views.words import (
    SYMBOLS,
    Words,
    act_in_words,
    changes_in_words,
    kind_of,
    moment,
    threshold_in_words,
)
from edge_app.model.card import ModelCard
from edge_app.reading.answer import Refusal
from edge_app.reading.decision import Decision, band_in_use, score_points, share_with_such_score
from edge_app.records.record import FINDINGS, Review
from edge_app.workflow.case import Case

HINTED = ("bacterial", "viral")


def answer(
    case: Case | None,
    card: ModelCard,
    language: str,
    history: Sequence[Review] = (),
    hidden: bool = False,
    can_read_again: bool = False,
) -> str:
    """The draft, or the question what the reader sees.

    Args:
        history: the acts on this record, the first one first.
        hidden: ask for the reader's own impression instead of showing the answer.
        can_read_again: as it is turned or cropped on the screen.
    """
    w = Words(language)
    if case is None:
        return ""
    if case.answer.refusal:
        body = _refusal(case.answer.refusal, w, can_read_again)
    elif hidden:
        body = _impression(w)
    else:
        body = _draft(case, card, w)
    again = ""
    if can_read_again and not case.review:
        again = f'<button type="button" class="again" data-part="{w("read_part")}" hidden>{w("score_again")}</button>'
    done = changes_in_words(case.turnings, w)
    return (
        f'<div class="answer" dir="{direction(language)}" data-id="{case.id}">{again}{body}{done}'
        f"{_history(case, history, w)}</div>"
    )


def message(sentence: str, is_good: bool = False) -> str:
    """What came of signing, read out by screen readers; empty if there is nothing to say."""
    role = "status" if is_good else "alert"
    return f'<p role="{role}">{escape(sentence)}</p>' if sentence else ""


def _draft(case: Case, card: ModelCard, w: Words) -> str:
    decision, kind = case.answer.decision, kind_of(case)
    place = case.answer.evidence_place
    where = f"<p>{w('evidence_in', place=place_in_words(w.language, place))}</p>" if place else ""
    if not case.answer.shows_places and kind != "normal":
        where = f"<p>{w('no_places')}</p>"
    unsaved = "" if case.saved else f'<p><b class="tag">{w("not_saved")}</b></p>'
    return (
        f'<section class="draft {kind}" aria-live="polite"><p class="chip"><span aria-hidden="true">{SYMBOLS[kind]}'
        f"</span> {w('draft')}: {w.of('decision', decision.decision)}</p>{where}{unsaved}{_notes(case, w)}"
        f"<details><summary>{w('how_sure')}</summary>{_score(decision, card, w)}{_hint(decision, w)}"
        f'<p class="fine">{w("record_id", id=case.id)} · <bdi>{escape(case.answer.model.name)} '
        f"{escape(case.answer.model.version)}</bdi></p></details></section>"
    )


def _score(decision: Decision, card: ModelCard, w: Words) -> str:
    threshold = threshold_in_words(decision.threshold, decision.operating_point, w)
    between = ""
    if band := band_in_use(decision.threshold, card.uncertainty_band):
        low, high = (score_points(end) for end in band)
        between = f" {w('uncertain_from_to', low=low, high=high)}"
    seen = share_with_such_score(card, decision.p_finding)
    meaning = w("score_means", count=score_points(seen.value)) if seen else ""
    return (
        f'<p>{meaning}</p><p class="score">{w("score_of_100", score=score_points(decision.p_finding))}</p>'
        f'<p class="fine">{threshold}{between}</p>'
    )


def _notes(case: Case, w: Words) -> str:
    notes = "".join(f"<li>{w.of('warning', code)}</li>" for code in case.answer.warnings)
    return f'<ul class="notes" aria-label="{w("warnings")}">{notes}</ul>' if notes else ""


def _hint(decision: Decision, w: Words) -> str:
    """Bacterial or viral: worded as weak, and only where there may be pneumonia."""
    shares = decision.probabilities
    if decision.decision == "normal" or not all(label in shares for label in HINTED):
        return ""
    label = max(HINTED, key=lambda name: shares[name])
    percent = score_points(shares[label] / (sum(shares[name] for name in HINTED) or 1.0))
    return f"<p>{w(f'hint_{label}', percent=percent)} <b>{w('hint_warning')}</b></p>"


def _impression(w: Words) -> str:
    buttons = "".join(
        f'<button type="button" data-finding="{finding}">{w(f"finding_{finding}")}</button>' for finding in FINDINGS
    )
    return (
        f'<section class="draft unread"><p class="chip">{w("own_impression_title")}</p>'
        f'<p class="fine">{w("own_impression_why")}</p><div class="choices" role="group" '
        f'aria-label="{w("own_impression_title")}">{buttons}</div></section>'
    )


def _refusal(refused: Refusal, w: Words, can_read_again: bool) -> str:
    sentence = refusal(w.language, refused.code, refused.sentence)
    again = f'<p class="fine">{w("turn_and_try_again")}</p>' if can_read_again else ""
    return (
        f'<section class="draft refused" role="alert"><p class="chip"><span aria-hidden="true">{SYMBOLS["refused"]}'
        f"</span> {w('refused')}</p><p class='advice'>{escape(sentence)}</p>{again}"
        f'<button type="button" class="seen-to">{w("seen_to")}</button>'
        f"<p class='fine'>{w('refused_code', code=refused.code)}</p></section>"
    )


def _history(case: Case, history: Sequence[Review], w: Words) -> str:
    if not history:
        return ""
    acts = "".join(f"<li>{act_in_words(act, moment(act.at), w)}</li>" for act in reversed(history))
    links = ""
    if case.review:
        links = f'<a class="link" href="report/{case.id}" target="_blank" rel="noopener">{w("report")}</a>'
        if case.origin:
            links += f' · <a class="link" href="dicom/{case.id}" download>{w("dicom_result")}</a>'
    state = "signed" if case.review else case.status
    return f'<section class="history {state}" aria-label="{w("history")}"><ul>{acts}</ul>{links}</section>'
