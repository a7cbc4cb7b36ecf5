"""Pages without scripts: the record, the readers, and a report to print."""

import base64
from html import escape
from pathlib import Path

from edge_app.kiosk.language import direction, place_in_words
from edge_app.kiosk.views import SYMBOLS, Words, each_row, kind_of, moment
from edge_app.model.card import ModelCard
from edge_app.reading.decision import score_points
from edge_app.records.database import Record
from edge_app.records.readers import ROLES, Reader
from edge_app.workflow.case import Case

STATIC = Path(__file__).parent / "static"
LATEST = 200
BROKEN_ROW = '<tr><td>{id}</td><td colspan="7">{why}</td></tr>'


def record_page(
    records: list[Record], readers: list[Reader] | None, language: str, problem: str = "", logged_in: bool = False
) -> str:
    """All records, the newest first, exports, and the readers.

    Args:
        readers: who is enrolled; None at the first start, before anybody was.
        problem: error of the last form, shown at the top.
        logged_in: offer to log out.
    """
    w = Words(language)
    shown = records[:LATEST]
    heads = ("record", "time_utc", "score", "decision", "status", "reading", "initials", "")
    head = "".join(f'<th scope="col">{w(key) if key else ""}</th>' for key in heads)
    rows = each_row(_row, shown, w, BROKEN_ROW)
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    if not shown:
        table = f"<p>{w('no_records')}</p>"
    latest = f'<p class="soft">{w("shown_latest", count=LATEST)}</p>' if len(records) > LATEST else ""
    leave = f'<form method="post" action="logout"><button>{w("log_out")}</button></form>' if logged_in else ""
    body = (
        f'<nav><a href="./">← {w("back")}</a><a href="export.csv" download>{w("export_csv")}</a>'
        f'<a href="export.json" download>{w("export_json")}</a>{leave}</nav><h1>{w("all_records")}</h1>'
        f"{_problem(problem)}{table}{latest}{_readers(readers, w)}"
    )
    return _document(w("all_records"), body, language)


def report_page(case: Case, card: ModelCard, language: str) -> str:
    """One record on one page: draft, final reading, the film while it is in memory, space for a name.

    Args:
        card: of the current model; a draft of an older model names that model.
    """
    w = Words(language)
    title = w("report_title")
    banner = f'<p class="phantom">{w("phantom_banner")}</p>' if card.phantom else ""
    body = (
        f'<nav class="noprint"><a href="../record">← {w("all_records")}</a></nav><h1>{title} · {case.id}</h1>{banner}'
        f"<dl><dt>{w('report_patient')}</dt><dd class='line'></dd></dl>{_final(case, w)}{_machine(case, w)}"
        f"{_films(case, w)}<p class='soft' dir='ltr'>{escape(card.intended_use)}</p>"
        f"<p class='soft'>{w('draft_only')}</p>"
        f"<dl><dt>{w('report_signature')}</dt><dd class='line'></dd></dl>"
    )
    return _document(f"{title} {case.id}", body, language)


def login_page(language: str, problem: str = "") -> str:
    """The login form; `problem` is the error of the last attempt."""
    w = Words(language)
    body = (
        f"<h1>{w('app_name')}</h1>{_problem(problem)}"
        f'<form method="post" action="login">{_who(w, "current-password")}<button>{w("log_in")}</button></form>'
    )
    return _document(w("log_in"), body, language)


def _document(title: str, body: str, language: str) -> str:
    style = (STATIC / "static_pages.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="{language}" dir="{direction(language)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{style}</style></head><body>{body}</body></html>"
    )


def _row(record: Record, w: Words) -> str:
    review = record.review
    decision, status = record.decision.decision, w("signed" if review else "draft")
    cells = (
        f"<td>{record.id}</td><td>{moment(record.created_at)}</td>"
        f"<td class='num'>{score_points(record.decision.p_finding)}</td>"
        f"<td>{SYMBOLS[kind_of(decision)]} {w.of('decision', decision)}</td><td>{status}</td>"
    )
    found = f"{w.of('finding', review.finding)} ({w(review.verdict)})" if review else ""
    reader = escape(review.reader) if review else ""
    return f"<tr>{cells}<td>{found}</td><td>{reader}</td><td><a href='report/{record.id}'>{w('report')}</a></td></tr>"


def _readers(readers: list[Reader] | None, w: Words) -> str:
    if readers is None:
        how, names, more = w("first_reader_how"), w("no_reader_yet"), ""
    else:
        how = w("add_reader_how")
        names = ", ".join(f"{reader.initials} ({w(f'role_{reader.role}')})" for reader in readers)
        roles = "".join(f'<option value="{role}">{w(f"role_{role}")}</option>' for role in ROLES)
        by = f"<fieldset><legend>{w('added_by')}</legend>{_who(w, 'off', 'by_')}</fieldset>"
        more = f'<label>{w("role")}<select name="role">{roles}</select></label>{by}'
    return (
        f'<h2>{w("readers")}</h2><p>{names}</p><form method="post" action="readers">'
        f"{_who(w, 'new-password')}{more}<button>{w('add_reader')}</button></form>"
        f'<p class="soft">{how} {w("reader_form")}</p>'
    )


def _who(w: Words, complete: str, prefix: str = "") -> str:
    """The two fields for initials and PIN."""
    return (
        f'<label>{w("initials")}<input name="{prefix}initials" required maxlength="8" autocomplete="off"></label>'
        f'<label>{w("pin")}<input name="{prefix}pin" type="password" inputmode="numeric" required maxlength="12" '
        f'autocomplete="{complete}"></label>'
    )


def _problem(problem: str) -> str:
    return f'<p class="alert" role="alert">{escape(problem)}</p>' if problem else ""


def _final(case: Case, w: Words) -> str:
    if case.review is None:
        return f'<p class="alert">{w("report_draft")}</p>'
    review = case.review
    own = (
        f"<dt>{w('own_impression')}</dt><dd>{w(f'finding_{review.own_impression}')}</dd>"
        if review.own_impression
        else ""
    )
    return (
        f"<h2>{w('report_final')}</h2><p class='verdict'>{w.of('finding', review.finding)}</p>"
        f"<dl><dt>{w('verdict')}</dt><dd>{w(review.verdict)}</dd>{own}"
        f"<dt>{w('signed')}</dt><dd>{w('signed_by', reader=review.reader, at=moment(review.at))}</dd></dl>"
    )


def _machine(case: Case, w: Words) -> str:
    decision, model = case.answer.decision, case.answer.model
    age = f"<dt>{w('age')}</dt><dd>{case.age_years:g}</dd>" if case.age_years is not None else ""
    threshold = w("threshold_at", threshold=score_points(decision.threshold), point=decision.operating_point)
    score = w("score_of_100", score=score_points(decision.p_finding))
    return (
        f"<h2>{w('report_machine')}</h2><dl><dt>{w('decision')}</dt><dd>{w.of('decision', decision.decision)}</dd>"
        f"<dt>{w('score')}</dt><dd>{score} · {threshold}</dd>{_place(case, w)}{age}"
        f"<dt>{w('time_utc')}</dt><dd>{moment(case.created_at)}</dd><dt>{w('model')}</dt>"
        f"<dd>{escape(model.name)} {escape(model.version)} ({escape(model.sha256[:12])})</dd></dl>"
    )


def _place(case: Case, w: Words) -> str:
    place = case.answer.evidence_place
    return f"<dt>{w('report_place')}</dt><dd>{escape(place_in_words(w.language, place))}</dd>" if place else ""


def _films(case: Case, w: Words) -> str:
    shown = case.pictures
    if not shown.film_jpeg:
        return f'<p class="soft">{w("film_gone")}</p>'
    film = f'<img src="data:image/jpeg;base64,{_text(shown.film_jpeg)}" alt="{w("film")}">'
    if not shown.heat_png:
        return f'<div class="films"><figure>{film}{_mark(case)}</figure></div>'
    heat = f'<img class="heat" src="data:image/png;base64,{_text(shown.heat_png)}" alt="{w("heatmap")}">'
    return f'<div class="films"><figure>{film}{_mark(case)}</figure><figure>{film}{heat}</figure></div>'


def _mark(case: Case) -> str:
    if case.review is None or not case.review.region:
        return ""
    left, top, right, bottom = (100 * end for end in case.review.region)
    place = f"left:{left:.1f}%;top:{top:.1f}%;width:{right - left:.1f}%;height:{bottom - top:.1f}%"
    return f'<div class="mark" style="{place}"></div>'


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
