"""The page in gradio: which part is shown where, and what each event does.

The parts are HTML from `views`. Films are uploaded through the kiosk's own route (see `app`), so gradio
never writes one to disk. Each browser tab has its own `TabState`; what all tabs share is in the `ReadingService`.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from edge_app.errors import KitError
from edge_app.kiosk.film_headers import visit_of
from edge_app.kiosk.language import LANGUAGES, language_of, said, say, words
from edge_app.kiosk.views.answer import answer, message
from edge_app.kiosk.views.film import film
from edge_app.kiosk.views.hand_in import outcome, visit_form
from edge_app.kiosk.views.header import HAND_IN, READ, ROOMS, header
from edge_app.kiosk.views.queue import by_arrival, queue
from edge_app.records.record import FINDINGS, MAX_TEXT, Region, Signature, Visit
from edge_app.workflow.case import Case
from edge_app.workflow.reading_service import ReadingService

STATIC = Path(__file__).parent / "static"
FONTS = ("system-ui", "Noto Sans", "DejaVu Sans", "sans-serif")
MAX_WAITING = 64  # events in gradio's queue; further ones get the message that the kiosk is busy
MAX_HANDED_IN = 100  # films of one tab's last batch
MAX_SESSIONS = 1000
REFRESH_S = 1.5  # how often a page asks whether anything changed
AT_ONCE = 4  # events of one kind that may run at once
QUIET = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": AT_ONCE}
STYLES = ("style.css", "viewer.css")
VIEWER = tuple(sorted(path.name for path in STATIC.glob("film_*.js")))
Updates = dict[Block, Any]  # what an event changes: the new value or properties of a component; all others stay


@dataclass(frozen=True)
class TabState:
    """State of one browser tab.

    `room` is what it shows; `handed_in` the films of its last batch; `chosen` the film in the reading room, and `seen`
    the version of its record: a reader signs what they saw. `visit` is what an amendment will say of whose film it is.
    `revision` tells what the lists show; `number` counts what somebody did here.
    """

    room: str = HAND_IN
    handed_in: tuple[str, ...] = ()
    chosen: str = ""
    seen: int = 0
    visit: Visit | None = None
    impressions: dict[str, str] = field(default_factory=dict)
    revision: str = ""
    number: int = 0


@dataclass(frozen=True)
class Parts:
    """The components that events change."""

    tab: gr.State
    head: gr.HTML
    picker: gr.HTML
    outcome: gr.HTML  # of the films that were handed in last
    lists: gr.HTML
    viewer: gr.HTML
    told: gr.HTML  # the draft next to the film
    message: gr.HTML
    regions: gr.Textbox  # hidden: the film viewer writes them into it
    shown: gr.Textbox  # hidden: `viewer.js` writes into it which film and version the browser shows
    panel: gr.Column  # the form for signing, with what follows
    finding: gr.Radio
    comment: gr.Textbox
    reason: gr.Textbox
    initials: gr.Textbox
    pin: gr.Textbox
    sign: gr.Button
    take_back: gr.Button
    discard: gr.Button


def build_page(service: ReadingService) -> gr.Blocks:
    """Build the page; mount it with `page_settings`."""
    i18n = translations()
    with gr.Blocks(title="Chest film reader", analytics_enabled=False) as page:
        made: dict[str, Any] = {"tab": gr.State(_new_tab), "head": _part("kiosk-header", "header.js")}
        with gr.Row(elem_id="kiosk-hand-in"):
            with gr.Column(elem_id="kiosk-give"):
                made["picker"] = _part("kiosk-picker", "picker.js")
                made["outcome"] = _part("kiosk-outcome", "queue.js")
            made["lists"] = _part("kiosk-list", "queue.js")
        with gr.Row(elem_id="kiosk-read"):
            made["viewer"] = _part("kiosk-viewer", *VIEWER, "viewer.js")
            with gr.Column(elem_id="kiosk-sheet"):
                made["told"] = _part("kiosk-answer", "answer.js")
                parts = Parts(**made, **_review_form(i18n))
        events, everything = PageEvents(service, parts), list(vars(parts).values())

        def on(listen: Callable[..., Any], act: Callable[..., Updates], *inputs: Block, repeated: str = "once") -> None:
            listen(act, [parts.tab, *inputs], everything, trigger_mode=repeated, **QUIET)

        on(page.load, events.opened)
        on(parts.head.room, events.entered)
        on(parts.picker.films_read, events.films_read, repeated="multiple")
        on(parts.lists.pick, events.picked)
        on(parts.outcome.pick, events.picked)
        on(parts.told.impression, events.impression, parts.shown)
        on(parts.told.seen_to, events.seen_to, parts.shown)
        on(parts.viewer.named, events.named, parts.shown)
        who = (parts.reason, parts.initials, parts.pin)
        signing = functools.partial(gr.on, [parts.sign.click, parts.pin.submit])  # as one: the second of two is dropped
        on(signing, events.signed, parts.shown, parts.finding, parts.regions, parts.comment, *who)
        on(parts.take_back.click, events.taken_back, parts.shown, *who)
        on(parts.discard.click, events.discarded, parts.shown, *who)
        on(gr.Timer(REFRESH_S).tick, events.refreshed)
    page.queue(max_size=MAX_WAITING)
    return page


class PageEvents:
    """One method per event. What somebody does to a film is done only if the browser showed it: see `_moved_on`."""

    def __init__(self, service: ReadingService, parts: Parts) -> None:
        self._service = service
        self._parts = parts
        self._numbers: dict[str, int] = {}  # of each open page, by its session

    def opened(self, tab: TabState, request: gr.Request) -> Updates:
        """The page was loaded."""
        return self._open(tab, request) | {self._parts.picker: visit_form(_language(request))}

    def entered(self, tab: TabState, event: gr.EventData, request: gr.Request) -> Updates:
        """A room was chosen; the reading room opens the most urgent film unless one is open."""
        tab = replace(tab, room=event.room if event.room in ROOMS else HAND_IN)
        if tab.room == READ and not tab.chosen:
            return self._open(replace(tab, chosen=self._next()), request)
        return self._shown(tab, request)

    def films_read(self, tab: TabState, event: gr.EventData, request: gr.Request) -> Updates:
        """The browser uploaded films. None is opened, so whoever reads goes on reading; but one read again is."""
        last = (*event.ids, *(() if event.is_new_batch else tab.handed_in))[:MAX_HANDED_IN]
        tab = replace(tab, handed_in=tuple(dict.fromkeys(last)))
        return (
            self._open(replace(tab, chosen=tab.handed_in[0]), request) if event.is_again else self._shown(tab, request)
        )

    def picked(self, tab: TabState, event: gr.EventData, request: gr.Request) -> Updates:
        """A film was chosen."""
        return self._open(replace(tab, chosen=str(event.id), room=READ), request)

    def refreshed(self, tab: TabState, request: gr.Request) -> Updates:
        """Show what changed elsewhere; nothing that somebody is writing here is touched."""
        revision = self._service.revision()
        if revision == tab.revision:
            return {self._parts.tab: gr.skip()}
        parts, tab, language = self._parts, replace(tab, revision=revision), _language(request)
        waiting = self._service.waiting()
        shown: Updates = {
            parts.tab: tab,
            parts.head: self._header(tab, language, waiting),
            parts.lists: self._lists(tab, language, waiting),
        }
        case = self._service.find(tab.chosen) if tab.chosen else None
        if case and case.version != tab.seen:
            news = message(say(language, "changed_elsewhere"))
            drawn = self._film(case, tab, request)  # it may be another child's now; an act is about `tab.seen` still
            shown |= {parts.told: self._told(case, tab, language), parts.viewer: drawn, parts.message: news}
        if self._numbers.get(str(request.session_hash), tab.number) != tab.number:
            return {parts.tab: gr.skip()}  # somebody did something here meanwhile
        return shown

    def impression(self, tab: TabState, shown: str, event: gr.EventData, request: gr.Request) -> Updates:
        """The reader gave their own impression before seeing the answer; it is the first choice in the form."""
        if shown != _acted_on(tab):
            return self._moved_on(tab, request)
        finding = event.finding if event.finding in FINDINGS else ""
        tab = replace(tab, impressions=tab.impressions | {tab.chosen: finding})
        return self._open(tab, request) | {self._parts.finding: finding or None}

    def seen_to(self, tab: TabState, shown: str, request: gr.Request) -> Updates:
        """Somebody saw to a refused film: it leaves the queue."""
        if shown != _acted_on(tab):
            return self._moved_on(tab, request)
        try:
            self._service.close_refused(tab.chosen, "page")
        except KitError as error:
            return self._failed(tab, error, request)
        return self._open(replace(tab, chosen="", room=HAND_IN), request)

    def named(self, tab: TabState, shown: str, event: gr.EventData, request: gr.Request) -> Updates:
        """Somebody said whose film is shown; of a signed one, the amendment will say it."""
        if shown != _acted_on(tab):
            return self._moved_on(tab, request)
        case, news = self._service.find(tab.chosen), ""
        try:
            visit = visit_of(event.visit)
            if case and case.review:
                tab, news = replace(tab, visit=visit), say(_language(request), "amend_visit", child=visit.label)
            else:
                case = self._service.name_visit(tab.chosen, visit, "page", tab.seen)
        except KitError as error:
            return self._failed(tab, error, request)
        if case is None or case.id != tab.chosen:
            return self._open(replace(tab, chosen=case.id if case else ""), request)
        tab = replace(tab, seen=case.version)
        said = {self._parts.message: message(news), self._parts.viewer: self._film(case, tab, request)}
        return self._shown(tab, request) | said

    def signed(
        self,
        tab: TabState,
        shown: str,
        finding: str,
        regions: str,
        comment: str,
        reason: str,
        initials: str,
        pin: str,
        request: gr.Request,
    ) -> Updates:
        """The reader signs the film that is shown, or amends its signature; then the next one is shown."""
        if shown != _acted_on(tab):
            return self._moved_on(tab, request)
        language = _language(request)
        if not finding:
            return self._failed(tab, KitError(say(language, "say_finding")), request, pin)
        own = tab.impressions.get(tab.chosen, "")
        more = (_regions(regions or "[]"), comment or "", reason or "", tab.visit)
        signature = Signature(tab.chosen, initials or "", finding, tab.seen, own, *more)
        try:
            self._service.sign(signature, pin or "")
        except KitError as error:
            return self._failed(tab, error, request)
        return self._next_after(tab, request, "signed_as", say(language, f"finding_{finding}"))

    def taken_back(
        self, tab: TabState, shown: str, reason: str, initials: str, pin: str, request: gr.Request
    ) -> Updates:
        """The reader withdraws their own signature."""
        if shown != _acted_on(tab):
            return self._moved_on(tab, request)
        try:
            self._service.withdraw(tab.chosen, initials or "", pin or "", reason or "", tab.seen)
        except KitError as error:
            return self._failed(tab, error, request)
        return self._open(tab, request)

    def discarded(
        self, tab: TabState, shown: str, reason: str, initials: str, pin: str, request: gr.Request
    ) -> Updates:
        """The reader takes a draft off the list; the first click shows the field for the reason."""
        if shown != _acted_on(tab):
            return self._moved_on(tab, request)
        if not (reason or "").strip():
            failed = self._failed(tab, KitError(say(_language(request), "error_no_reason")), request, pin)
            return failed | {self._parts.reason: gr.update(visible=True)}
        try:
            self._service.discard(tab.chosen, initials or "", pin or "", reason, tab.seen)
        except KitError as error:
            return self._failed(tab, error, request)
        return self._next_after(tab, request, "discarded_now", "")

    def _open(self, tab: TabState, request: gr.Request, news: str = "") -> Updates:
        """Show the chosen film with an empty form, or with what its signature says: an amendment begins with that."""
        parts, case = self._parts, self._service.find(tab.chosen) if tab.chosen else None
        tab = replace(tab, seen=case.version if case else 0, visit=None)
        shown = self._shown(tab, request) | self._signature(case)
        shown[parts.reason] |= {"value": ""}
        shown |= {parts.pin: "", parts.message: message(news, True)}
        return shown | {parts.viewer: self._film(case, tab, request)}

    def _signature(self, case: Case | None) -> Updates:
        """What a signature says, in the form; the film viewer has its regions."""
        said = case.review if case else None
        return {self._parts.finding: said.finding if said else None, self._parts.comment: said.comment if said else ""}

    def _film(self, case: Case | None, tab: TabState, request: gr.Request) -> str:
        service, hidden = self._service, self._is_hidden(case, tab)
        earlier, full = (service.earlier_film(case), bool(service.cases.file(case.id))) if case else (None, False)
        return film(case, tab.seen, _language(request), hidden, earlier, full)

    def _moved_on(self, tab: TabState, request: gr.Request) -> Updates:
        """Do nothing: the browser did not show what is open here by now. Show it, with an empty form."""
        return self._open(tab, request) | {self._parts.message: message(say(_language(request), "error_moved_on"))}

    def _next_after(self, tab: TabState, request: gr.Request, key: str, finding: str) -> Updates:
        """Say what was done, and show the next film that waits."""
        case = self._service.find(tab.chosen)
        child = (case.visit.label or case.id) if case else ""
        news = say(_language(request), key, child=child, finding=finding)
        return self._open(replace(tab, chosen=self._next() or tab.chosen), request, news)

    def _next(self) -> str:
        """The film that waits first; "" if none does."""
        first = min(self._service.waiting(), key=self._order, default=None)
        return first.id if first else ""

    @property
    def _order(self) -> Callable[[Case], Any]:
        """Sort key: what somebody must see to first."""
        return by_arrival if self._service.ask_first else _urgency

    def _failed(self, tab: TabState, error: KitError, request: gr.Request, pin: str = "") -> Updates:
        """Say why, and show the film and its record as they are now; the form stays, but for the PIN.

        If somebody signed meanwhile, the form has what they said: this reader may amend it, and drops nothing unseen.
        """
        parts, case = self._parts, self._service.find(tab.chosen) if tab.chosen else None
        version = case.version if case else 0
        told: Updates = {parts.message: message(said(_language(request), error)), parts.pin: pin}
        if version != tab.seen:
            tab = replace(tab, seen=version, visit=None)
            told |= self._signature(case) if case and case.review else {}
        return self._shown(tab, request) | told | {parts.viewer: self._film(case, tab, request)}

    def _shown(self, tab: TabState, request: gr.Request) -> Updates:
        """What every event may change."""
        service, parts, language = self._service, self._parts, _language(request)
        case = service.find(tab.chosen) if tab.chosen else None
        tab = replace(tab, revision=service.revision(), number=tab.number + 1)
        if len(self._numbers) > MAX_SESSIONS:
            self._numbers.clear()
        self._numbers[str(request.session_hash)] = tab.number
        can_act = case is not None and case.saved and not case.answer.refusal and not self._is_hidden(case, tab)
        signed = case is not None and case.review is not None
        is_seen = case is not None and bool(case.pictures.film_jpeg)
        last = sorted(filter(None, map(service.find, tab.handed_in)), key=self._order)
        waiting = service.waiting()
        return {
            parts.tab: tab,
            parts.head: self._header(tab, language, waiting),
            parts.outcome: outcome(last, service.predictor.card, language, service.ask_first),
            parts.lists: self._lists(tab, language, waiting),
            parts.told: self._told(case, tab, language),
            parts.panel: gr.update(visible=can_act),
            parts.reason: gr.update(visible=signed),
            parts.take_back: gr.update(visible=signed),
            parts.discard: gr.update(visible=can_act and not signed),
            parts.sign: gr.update(value=say(language, "amend" if signed else "sign"), visible=is_seen),
        }

    def _header(self, tab: TabState, language: str, waiting: list[Case]) -> str:
        service = self._service
        troubles = {"not_saved_banner": service.not_saved, "not_deleted_banner": service.not_deleted}
        return header(service.predictor.card, language, tab.room, len(waiting), troubles)

    def _lists(self, tab: TabState, language: str, waiting: list[Case]) -> str:
        service = self._service
        return queue(
            [*service.unsaved(), *waiting], service.refused(), service.signed(), tab.chosen, language, service.ask_first
        )

    def _told(self, case: Case | None, tab: TabState, language: str) -> str:
        service = self._service
        history = service.history(case.id) if case and case.version else []
        hidden, again = self._is_hidden(case, tab), case is not None and bool(service.cases.file(case.id))
        return answer(case, service.predictor.card, language, history, hidden, again)

    def _is_hidden(self, case: Case | None, tab: TabState) -> bool:
        """Whether the reader must say what they see before the model's answer is shown."""
        return self._service.ask_first and case is not None and not case.review and case.id not in tab.impressions


def translations() -> gr.I18n:
    """The kit's texts in gradio's form."""
    return gr.I18n(**{code: dict(words(code)) for code in LANGUAGES})


def page_settings() -> dict[str, Any]:
    """Further arguments for `gr.mount_gradio_app`."""
    return {
        "css_paths": [STATIC / name for name in STYLES],
        "i18n": translations(),
        "theme": gr.themes.Base(font=FONTS, font_mono=("ui-monospace", "monospace"), text_size="lg"),
        "footer_links": [],
        "run_history": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "max_file_size": 1,  # nothing is uploaded through gradio
        "show_error": True,
    }


def _review_form(i18n: gr.I18n) -> dict[str, Any]:
    """The components for signing, by their names in `Parts`."""
    findings = [(i18n(f"finding_{key}"), key) for key in FINDINGS]

    def text(name: str, **more: Any) -> gr.Textbox:
        return gr.Textbox(label=i18n(name), elem_id=f"kiosk-{name}", **more)

    form: dict[str, Any] = {"message": _part("kiosk-message")}
    form |= {name: gr.Textbox(elem_id=f"kiosk-{name}") for name in ("regions", "shown")}
    with gr.Column(elem_id="kiosk-review", visible=False) as form["panel"]:
        form["finding"] = gr.Radio(findings, label=i18n("finding"), elem_id="kiosk-finding")
        form["comment"] = text("comment", placeholder=i18n("comment"), max_length=MAX_TEXT)
        form["reason"] = text("reason", placeholder=i18n("reason"), max_length=MAX_TEXT, visible=False)
        with gr.Row(elem_id="kiosk-who"):
            form["initials"] = text("initials", max_length=8, min_width=60)
            form["pin"] = text("pin", type="password", max_length=12, min_width=60)
        with gr.Row(elem_id="kiosk-acts"):
            form["sign"] = gr.Button(i18n("sign"), variant="primary", elem_id="kiosk-sign", min_width=60)
            form["take_back"] = gr.Button(i18n("take_back"), elem_id="kiosk-back", visible=False, min_width=60)
            form["discard"] = gr.Button(i18n("discard"), elem_id="kiosk-discard", min_width=60)
    return form


def _regions(text: str) -> tuple[Region, ...]:
    """What the film viewer wrote, as regions within the film."""
    regions = []
    for ends in json.loads(text):
        left, top, right, bottom = (min(1.0, max(0.0, float(end))) for end in ends)
        regions.append((left, top, right, bottom))
    return tuple(regions)


def _acted_on(tab: TabState) -> str:
    """The film and version that an act is about, as `viewer.js` writes what the browser shows."""
    return f"{tab.chosen} {tab.seen}"


def _new_tab() -> TabState:
    """A function, because gradio would take the class itself for the value."""
    return TabState()


def _part(elem_id: str, *scripts: str) -> gr.HTML:
    """A part of the page, styled by style.css alone. Its scripts run once, when the part is first shown."""
    code = "\n".join((STATIC / script).read_text(encoding="utf-8") for script in scripts)
    return gr.HTML(elem_id=elem_id, js_on_load=code or None, apply_default_css=False)


def _language(request: gr.Request) -> str:
    return language_of(request.cookies, request.headers.get("accept-language", ""))


def _urgency(case: Case) -> float:
    """Sort key: films without a score first, because somebody must act at once; then the highest score."""
    return -2.0 if case.answer.refusal else -case.answer.decision.p_finding
