"""The set-up page for the technician: what the first start needs, the readers, back-up, model and threshold."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from edge_app.kiosk.language import LANGUAGES
from edge_app.kiosk.phone_address import qr_code
from edge_app.kiosk.views.document import Frame, alert, definitions, document, full_moment, who
from edge_app.kiosk.views.words import Words, intended_use, options, threshold_in_words
from edge_app.model.card import ModelCard
from edge_app.model.estimate import Estimate
from edge_app.reading.film_checks import age_range
from edge_app.records.readers import ROLES, Reader
from edge_app.records.site import MAX_NAME

SET_CLOCK = 'sudo timedatectl set-time "2026-01-31 14:05"'


@dataclass(frozen=True)
class SetUp:
    """How the site stands."""

    card: ModelCard
    readers: list[Reader]
    anybody_enrolled: bool  # somebody who was removed counts
    language_chosen: bool
    clock_doubt: str  # why the clock may be wrong; "" when it fits what is known
    films_folder: Path | None  # where films are kept; None: in memory only
    media: list[Path]
    locked: tuple[Path, str] | None  # a medium that the kiosk cannot write to, and the commands that change it
    models: list[Path]  # on media
    current: str  # the installed model that the next start uses, and the one before it
    previous: str
    restart: bool  # the next start uses another model than this one
    phone_address: str = ""  # where phones find their page; "" where they cannot reach it


def set_up(site: SetUp, frame: Frame, problem: str = "", done: str = "") -> str:
    """The page; `problem` or `done` is what came of the last form."""
    w = Words(frame.language)
    restart = alert(w("restart_needed"), is_good=True) if site.restart and not done else ""
    body = (
        f"<h1>{w('set_up')}</h1>{alert(problem)}{alert(done, is_good=True)}{restart}"
        f'<ol class="steps">{_steps(site, frame, w)}</ol>'
        f"{_readers(site, w)}{_back_up(site, w)}{_model(site, w)}{_threshold(site.card, w)}"
        f"{_phone(site.phone_address, w)}"
    )
    return document(w("set_up"), body, frame)


def _steps(site: SetUp, frame: Frame, w: Words) -> str:
    languages = options(LANGUAGES, frame.language)
    language = f'<label>{w("language")}<select name="language">{languages}</select></label>'
    name = (
        f'<label class="grows">{w("clinic_name")}<input name="name" required maxlength="{MAX_NAME}" '
        f'value="{escape(frame.clinic)}"></label>{who(w) if site.anybody_enrolled else ""}'
    )
    clock = f"<p>{full_moment()}</p><p class='fine'>{w('clock_how')} <kbd dir='ltr'>{SET_CLOCK}</kbd></p>"
    kept = w("films_kept", folder=site.films_folder) if site.films_folder else w("films_not_kept")
    youngest, oldest = age_range(site.card)
    ages = w("model_ages", youngest=youngest, oldest=oldest)
    use = intended_use(site.card, w)
    add = f'<p><a href="#readers">{w("add_reader")}</a></p>' if not site.readers else f"<p>{_names(site, w)}</p>"
    return (
        _step("language", site.language_chosen, _form("language", language, w("save"), site.language_chosen, w), w)
        + _step("clinic_name", bool(frame.clinic), _form("clinic", name, w("save"), bool(frame.clinic), w), w)
        + _step(
            "clock",
            False if site.clock_doubt else None,
            clock,
            w,
            w("clock_wrong" if site.clock_doubt else "clock_look"),
        )
        + _step("first_reader", bool(site.readers), add, w)
        + _step("films_kept_or_not", None, f"<p class='fine'>{w('films_how')}</p>", w, kept)
        + _step("model_for_whom", None, use, w, ages)
    )


def _step(key: str, done: bool | None, content: str, w: Words, says: str = "") -> str:
    """One step; `done` is None where there is something to look at and nothing to do."""
    kind, state = ("normal", f"✓ {w('done')}") if done else ("uncertain", f"○ {w('to_do')}")
    pill = "" if done is None else f"<span class='pill {kind}'>{state}</span>"
    return f"<li><h2>{w(key)} {pill}</h2>{f'<p>{says}</p>' if says else ''}{content}</li>"


def _form(action: str, fields: str, button: str, folded: bool, w: Words) -> str:
    """A form; what is done already is behind a click."""
    form = f'<form method="post" action="{action}">{fields}<button>{button}</button></form>'
    return f"<details><summary>{w('change')}</summary>{form}</details>" if folded else form


def _names(site: SetUp, w: Words) -> str:
    return ", ".join(f"{reader.initials} ({w(f'role_{reader.role}')})" for reader in site.readers)


def _readers(site: SetUp, w: Words) -> str:
    how, more = w("first_reader_how"), ""
    if site.anybody_enrolled:
        how = w("add_reader_how")
        roles = options({role: w(f"role_{role}") for role in ROLES}, "")
        by = f"<fieldset><legend>{w('added_by')}</legend>{who(w, prefix='by_')}</fieldset>"
        more = f'<label>{w("role")}<select name="role">{roles}</select></label>{by}'
    return _section(
        "readers",
        f"<p>{_names(site, w) or w('no_reader_yet')}</p><p class='fine'>{how} {w('reader_form')}</p>"
        f'<form method="post" action="readers">{who(w, "new-password")}{more}<button>{w("add_reader")}</button></form>',
        w,
    )


def _back_up(site: SetUp, w: Words) -> str:
    content = f"<p>{w('no_stick')}</p>"
    if site.locked:
        path, commands = site.locked
        content = f"<p>{w('stick_locked', path=path)} <kbd dir='ltr'>{escape(commands)}</kbd></p>"
    if site.media:
        fields = f"{_choice(w('stick'), 'medium', site.media)}{who(w)}"
        content = _form("back-up", fields, w("write_back_up"), False, w)
    return _section("back_up", f"<p class='fine'>{w('back_up_how')}</p>{content}", w)


def _model(site: SetUp, w: Words) -> str:
    named = definitions(
        (w("in_use"), f'<bdi dir="ltr">{escape(f"{site.card.name} {site.card.version}")}</bdi>'),
        (w("next_start"), f"<bdi>{site.current}</bdi>" if site.restart else ""),
        (w("model_before"), f"<bdi>{site.previous}</bdi>" if site.previous != site.current else ""),
    )
    content = f"<p>{w('no_model_on_stick')}</p>"
    if site.models:
        fields = f"{_choice(w('new_model'), 'file', site.models)}{who(w)}"
        content = _form("model", fields, w("install_model"), False, w)
    if site.previous != site.current:
        content += _form("model", who(w), w("roll_back"), True, w)
    return _section("model", f"{named}{content}", w)


def _threshold(card: ModelCard, w: Words) -> str:
    name, point = card.operating_point()
    figures = definitions(
        (w("threshold"), threshold_in_words(point.threshold, name, w)),
        (w("sensitivity"), _interval(point.recall)),
        (w("specificity"), _interval(point.specificity)),
    )
    command = "<kbd dir='ltr'>python -m edge_app calibrate records.csv</kbd> · docs/guide/calibrate.md"
    return _section("calibration", f"{figures}<p class='fine'>{w('calibrate_how')} {command}</p>", w)


def _interval(estimate: Estimate) -> str:
    value, low, high = (100 * each for each in (estimate.value, estimate.low, estimate.high))
    return f'<bdi dir="ltr">{value:.1f}% ({low:.1f}–{high:.1f})</bdi>'


def _phone(address: str, w: Words) -> str:
    scan = ""
    if address:
        scan = f"<p>{w('phone_scan')} <kbd dir='ltr'>{escape(address)}</kbd></p><p>{qr_code(address)}</p>"
    return _section("on_a_phone", f'<p><a class="button" href="phone/#{w.language}">{w("phone_page")}</a></p>{scan}', w)


def _section(key: str, content: str, w: Words) -> str:
    return f'<section id="{key}" aria-labelledby="h-{key}"><h2 id="h-{key}">{w(key)}</h2>{content}</section>'


def _choice(label: str, name: str, paths: list[Path]) -> str:
    named = options({escape(str(path)): escape(str(path)) for path in paths}, "")
    return f'<label class="grows">{label}<select name="{name}" dir="ltr">{named}</select></label>'
