"""The records page: every child's film, searched and by pages, and what the record says about the site."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html import escape
from urllib.parse import urlencode

from edge_app.kiosk.language import refusal
from edge_app.kiosk.views.document import Frame, document
from edge_app.kiosk.views.words import SYMBOLS, Words, about_child, each_row, kind_of_decision, moment
from edge_app.records.record import DISCARDED, Record, RefusedFilm
from edge_app.workflow.record_search import (
    DRAFT,
    MAX_SEARCH,
    PAGE,
    REFUSED,
    SHOWN,
    SIGNED,
    WEEK,
    DamagedRecord,
    FoundFilm,
    Search,
)

SHOWN_WORDS = {
    "": "all_records", WEEK: "this_week", SIGNED: "signed", DRAFT: "drafts", REFUSED: "refused_films",
    DISCARDED: "discarded",
}  # fmt: skip
BROKEN_ROW = '<tr><td>{id}</td><td colspan="5">{why}</td></tr>'
COLUMNS = ("child", "time", "draft", "signed", "reader")


def record_list(
    films: Sequence[FoundFilm], count: int, search: Search, frame: Frame, hidden: bool, about: str = ""
) -> str:
    """The records of the site.

    Args:
        films: one page of them.
        count: how many there are on all pages.
        hidden: readers are asked first: nothing is said of a draft that nobody has signed.
        about: the statistics of the site, as HTML.
    """
    w = Words(frame.language)
    head = "".join(f'<th scope="col">{w(key)}</th>' for key in COLUMNS) + f'<th><span class="sr">{w("report")}</span>'
    rows = each_row(partial(_row, w=w, hidden=hidden), films, w, BROKEN_ROW)
    table = f'<table class="cards"><thead><tr>{head}</th></tr></thead><tbody>{rows}</tbody></table>'
    empty = f'<p class="fine">{w("nothing_found" if search.text or search.show else "no_records")}</p>'
    body = (
        f'<div class="top"><h1>{w("record")}</h1>{_form(search, w)}'
        f'<a class="button" href="setup">{w("set_up")}</a></div>'
        f"{_kinds(search, w)}{table if films else empty}{_pages(count, search, w)}{about}"
        f'<p class="links"><a href="export.csv" download>{w("export_csv")}</a> '
        f'<a href="export.json" download>{w("export_json")}</a></p>'
    )
    return document(w("record"), body, frame)


def _form(search: Search, w: Words) -> str:
    kept = f'<input type="hidden" name="show" value="{search.show}">' if search.show else ""
    return (
        f'<form class="search" role="search"><input type="search" name="q" value="{escape(search.text)}" '
        f'maxlength="{MAX_SEARCH}" aria-label="{w("search_hint")}" placeholder="{w("search_hint")}">{kept}'
        f"<button>{w('search')}</button></form>"
    )


def _kinds(search: Search, w: Words) -> str:
    kinds = "".join(
        f'<a href="{_address(replace(search, show=show, page=1))}"'
        f"{' aria-current=true' if show == search.show else ''}>{w(SHOWN_WORDS[show])}</a>"
        for show in SHOWN
    )
    return f'<nav class="chips" aria-label="{w("record")}">{kinds}</nav>'


def _row(film: FoundFilm, w: Words, hidden: bool) -> str:
    if isinstance(film, DamagedRecord):
        return BROKEN_ROW.format(id=escape(film.id), why=w("row_damaged"))
    child = about_child(film.visit, w)
    label = escape(film.visit.label) or w("unnamed", id=film.id)
    name = f"<b><bdi>{label}</bdi></b>{f' · {child}' if child else ''}"
    if isinstance(film, RefusedFilm):
        kind, at = "refused", film.at
        rest = (escape(refusal(w.language, film.code, film.sentence)), "", "")
    else:
        kind, at = "unread" if hidden and not film.review else kind_of_decision(film.decision.decision), film.created_at
        link = f'<a href="report/{film.id}" aria-label="{w("report")} {label}">{w("report")}</a>'
        rest = (_signed(film, w), escape(film.last_act.reader) if film.last_act else "", link)
    said = film.decision.decision if isinstance(film, Record) and kind not in ("unread", "refused") else kind
    pill_text = w.of("draft", said)
    pill = f'<span class="pill"><span aria-hidden="true">{SYMBOLS[kind]}</span> {pill_text}</span>'
    cells = zip((*COLUMNS, ""), (name, f"<bdi>{moment(at)}</bdi>", pill, *rest), strict=True)
    tds = "".join(f'<td data-head="{w(key) if key else ""}">{content}</td>' for key, content in cells)
    return f'<tr class="{kind}">{tds}</tr>'


def _signed(record: Record, w: Words) -> str:
    act = record.last_act
    if act is None or record.status == DRAFT:
        return w("not_signed")
    if not act.finding:
        return f"{w('discarded')}: <bdi>{escape(act.reason)}</bdi>"
    return w.of("finding", act.finding) + (f" <small>{w('amended', reason=act.reason)}</small>" if act.reason else "")


def _pages(count: int, search: Search, w: Words) -> str:
    last = max(1, -(-count // PAGE))
    if last == 1:
        return ""
    ways = (("page_before", search.page - 1), ("page_after", search.page + 1))
    links = "".join(
        f'<a href="{_address(replace(search, page=page))}">{w(key)}</a>' for key, page in ways if 1 <= page <= last
    )
    where = w("page_of", page=search.page, last=last, count=count)
    return f'<nav class="links" aria-label="{where}"><span>{where}</span>{links}</nav>'


def _address(search: Search) -> str:
    page = search.page if search.page > 1 else ""
    asked = {name: value for name, value in (("q", search.text), ("show", search.show), ("page", page)) if value}
    return escape(f"record?{urlencode(asked)}") if asked else "record"
