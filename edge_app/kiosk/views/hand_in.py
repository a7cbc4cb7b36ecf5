"""Handing in: whose film it is, the button for films, and one plain line about what came out."""

from html import escape

from edge_app.imaging.formats.registry import format_names
from edge_app.kiosk.language import direction, refusal
from edge_app.kiosk.views.words import SYMBOLS, Words, intended_use, kind_of, name_of, options
from edge_app.model.card import ModelCard
from edge_app.records.record import MAX_LABEL, NOBODY, SEXES, Visit
from edge_app.workflow.case import Case

MAX_AGE = 120
MAX_SAID = 3  # lines after a batch; the queue has all films


def visit_form(language: str) -> str:
    """Label, age and sex, and the button; `static/picker.js` sends them with each film."""
    w = Words(language)
    reading = w("reading_n", done="{done}", total="{total}")  # the script fills these gaps
    failed = w("not_sent", name="{name}", why="{why}")
    return (
        f'<div class="picker" dir="{direction(language)}" data-reading="{reading}" data-failed="{failed}" '
        f'data-offline="{w("kiosk_gone")}"><form class="visit">{visit_fields(w)}</form>'
        f'<label class="drop"><input type="file" multiple class="films"><b>{w("choose_films")}</b>'
        f"<small>{w('choose_hint', formats=', '.join(format_names()))}</small></label>"
        f'<div class="progress" role="status" aria-live="polite" hidden><progress max="1" value="0"></progress>'
        f'<span></span><button type="button" class="cancel">{w("cancel")}</button></div></div>'
    )


def visit_fields(w: Words, visit: Visit = NOBODY) -> str:
    """The fields for label, age and sex, with what is known of a visit; `static/picker.js` reads them."""
    years = visit.age_years
    unit = "months" if years is not None and years < 2 else "years"
    age = "" if years is None else f"{round(years * (12 if unit == 'months' else 1), 2):g}"
    units = options({each: w(each) for each in ("years", "months")}, unit)
    sexes = options({sex: w(f"sex_{sex}") if sex else "–" for sex in SEXES}, visit.sex)
    return (
        f'<label class="grows">{w("label")}<input class="label" maxlength="{MAX_LABEL}" autocomplete="off" '
        f'placeholder="{w("label_hint")}" value="{escape(visit.label)}"></label>'
        f'<label>{w("age")}<span class="age"><input class="years" type="text" inputmode="decimal" autocomplete="off" '
        f'data-most="{MAX_AGE}" value="{age}"><select class="unit" aria-label="{w("age_unit")}">{units}</select></span>'
        f'</label><label>{w("sex")}<select class="sex">{sexes}</select></label>'
        f'<p class="no-age" role="alert" hidden>{w("age_no_number", most=MAX_AGE)}</p>'
    )


def outcome(cases: list[Case], card: ModelCard, language: str, hidden: bool = False) -> str:
    """What came of the films that were handed in last, the most urgent first: one plain line and the next step.

    Args:
        hidden: readers are asked first, so nothing of the model's answer is said.
    """
    w = Words(language)
    lines = "".join(_line(case, w, hidden) for case in cases[:MAX_SAID])
    more = f'<p class="fine">{w("more_in_queue", count=len(cases) - MAX_SAID)}</p>' if len(cases) > MAX_SAID else ""
    about = intended_use(card, w)
    if not lines:
        return f'<section class="outcome" dir="{direction(language)}"><p>{w("no_film_yet")}</p>{about}</section>'
    return f'<section class="outcome" dir="{direction(language)}" aria-live="polite">{lines}{more}{about}</section>'


def _line(case: Case, w: Words, hidden: bool) -> str:
    kind = kind_of(case, hidden)
    child = name_of(case, w)
    if reason := case.answer.refusal:
        why = escape(refusal(w.language, reason.code, reason.sentence))
    else:
        why = w(f"why_{kind}")
    unsaved = "" if case.saved else f'<p><b class="tag">{w("not_saved")}</b></p>'
    warnings = "".join(f"<p>{w.of('warning', code)}</p>" for code in case.answer.warnings)
    return (
        f'<div class="result {kind}" data-id="{case.id}"><p class="verdict"><span aria-hidden="true">{SYMBOLS[kind]}'
        f"</span>{_step(kind, child, w)}</p><p>{why}</p>{unsaved}{warnings}</div>"
    )


def _step(kind: str, child: str, w: Words) -> str:
    """The next step; `child` is escaped already."""
    return w(f"step_{kind}", child="\0").replace("\0", f"<bdi>{child}</bdi>")
