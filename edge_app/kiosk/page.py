"""The page in gradio: which part is shown where, and what each event does.

The parts are HTML from `views`. Films are uploaded through the kiosk's own route (see `app`), so gradio
never writes one to disk. Each browser tab has its own `TabState`; what all tabs share is in the `ReadingService`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from edge_app.errors import KitError
from edge_app.kiosk.language import LANGUAGES, language_of, said, say, words
from edge_app.kiosk.views.answer import answer, message
from edge_app.kiosk.views.film import film
from edge_app.kiosk.views.hand_in import outcome, visit_form
from edge_app.kiosk.views.header import HAND_IN, READ, ROOMS, header
from edge_app.kiosk.views.queue import queue
from edge_app.records.record import FINDINGS, MAX_TEXT, Region, Signature
from edge_app.workflow.case import Case
from edge_app.workflow.reading_service import ReadingService

STATIC = Path(__file__).parent / "static"
FONTS = ("system-ui", "Noto Sans", "DejaVu Sans", "sans-serif")
MAX_WAITING = 64  # events in gradio's queue; further ones get the message that the kiosk is busy
MAX_HANDED_IN = 100  # films of one tab's last batch
MAX_REGIONS = 8
REFRESH_S = 1.5  # how often a page asks whether anything changed
AT_ONCE = 4  # events of one kind that may run at once
QUIET = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": AT_ONCE}
STYLES = ("style.css", "viewer.css")
VIEWER = tuple(sorted(path.name for path in STATIC.glob("film_*.js")))
REASON = 6  # its place among the parts that every event may change


@dataclass(frozen=True)
class TabState:
    """State of one browser tab.

    `room` is what it shows; `handed_in` the films of its last batch; `chosen` the film in the reading room, and `seen`
    the version of its record: a reader signs what they saw. `revision` tells what the lists show.
    """

    room: str = HAND_IN
    handed_in: tuple[str, ...] = ()
    chosen: str = ""
    seen: int = 0
    regions: tuple[Region, ...] = ()
    impressions: dict[str, str] = field(default_factory=dict)
    revision: str = ""


@dataclass(frozen=True)
class ReviewForm:
    """The components for signing."""

    panel: gr.Column
    finding: gr.Radio
    comment: gr.Textbox
    reason: gr.Textbox
    initials: gr.Textbox
    pin: gr.Textbox
    sign: gr.Button
    take_back: gr.Button
    discard: gr.Button
    message: gr.HTML


def build_page(service: ReadingService) -> gr.Blocks:
    """Build the page; mount it with `page_settings`."""
    i18n = translations()
    with gr.Blocks(title="Chest film reader", analytics_enabled=False) as page:
        tab = gr.State(_new_tab)
        head = _part("kiosk-header", "header.js")
        with gr.Row(elem_id="kiosk-hand-in"):
            with gr.Column(elem_id="kiosk-give"):
                picker = _part("kiosk-picker", "picker.js")
                said_last = _part("kiosk-outcome", "queue.js")
            lists = _part("kiosk-list", "queue.js")
        with gr.Row(elem_id="kiosk-read"):
            viewer = _part("kiosk-viewer", *VIEWER, "viewer.js")
            with gr.Column(elem_id="kiosk-sheet"):
                told = _part("kiosk-answer", "answer.js")
                form = _review_form(i18n)

        events = PageEvents(service)
        # What every event may change; then what only another film changes.
        shown = [tab, head, said_last, lists, told, form.panel, form.reason, form.take_back, form.discard, form.sign]
        opened = [*shown, form.message, viewer, form.finding, form.comment, form.pin]
        page.load(events.opened, tab, [picker, *opened], **QUIET)
        head.room(events.entered, tab, opened, **QUIET)
        picker.films_read(events.films_read, tab, shown, **QUIET)
        for part in (lists, said_last):
            part.pick(events.picked, tab, opened, **QUIET)
        told.impression(events.impression, tab, opened, **QUIET)
        told.seen_to(events.seen_to, tab, opened, **QUIET)
        viewer.marked(events.marked, tab, tab, **QUIET)
        entries = [tab, form.finding, form.comment, form.reason, form.initials, form.pin]
        signing: dict[str, Any] = {"fn": events.signed, "inputs": entries, "outputs": opened, **QUIET}
        form.sign.click(**signing)
        form.pin.submit(**signing)
        undoing = [tab, form.reason, form.initials, form.pin]
        form.take_back.click(events.taken_back, undoing, opened, **QUIET)
        form.discard.click(events.discarded, undoing, opened, **QUIET)
        gr.Timer(REFRESH_S).tick(events.refreshed, tab, [tab, head, lists, told, form.message], **QUIET)
    page.queue(max_size=MAX_WAITING)
    return page


class PageEvents:
    """One method per event; each returns the values of its outputs in `build_page`."""

    def __init__(self, service: ReadingService) -> None:
        self._service = service

    def opened(self, tab: TabState, request: gr.Request) -> tuple:
        """The page was loaded."""
        return (visit_form(_language(request)), *self._open(tab, request))

    def entered(self, tab: TabState, event: gr.EventData, request: gr.Request) -> tuple:
        """A room was chosen; the reading room opens the most urgent film unless one is open."""
        tab = replace(tab, room=event.room if event.room in ROOMS else HAND_IN)
        if tab.room == READ and not tab.chosen:
            return self._open(replace(tab, chosen=self._next()), request)
        return (*self._shown(tab, request), gr.skip(), *[gr.skip()] * 4)

    def films_read(self, tab: TabState, event: gr.EventData, request: gr.Request) -> tuple:
        """The browser uploaded films. Nothing is opened: whoever reads goes on reading."""
        last = (*event.ids, *(() if event.is_new_batch else tab.handed_in))[:MAX_HANDED_IN]
        return self._shown(replace(tab, handed_in=tuple(dict.fromkeys(last))), request)

    def picked(self, tab: TabState, event: gr.EventData, request: gr.Request) -> tuple:
        """A film was chosen."""
        return self._open(replace(tab, chosen=str(event.id), room=READ), request)

    def refreshed(self, tab: TabState, request: gr.Request) -> tuple:
        """Show what changed elsewhere; nothing that somebody is doing here is touched."""
        revision = self._service.revision()
        if revision == tab.revision:
            return (gr.skip(),) * 5
        tab, language = replace(tab, revision=revision), _language(request)
        case = self._service.find(tab.chosen) if tab.chosen else None
        told, news = gr.skip(), gr.skip()
        if case and case.version != tab.seen:
            told = self._told(case, tab, language)
            news = message(say(language, "changed_elsewhere"))
        waiting = self._service.waiting()
        return (tab, self._header(tab, language, waiting), self._lists(tab, language, waiting), told, news)

    def impression(self, tab: TabState, event: gr.EventData, request: gr.Request) -> tuple:
        """The reader gave their own impression before seeing the answer; it is the first choice in the form."""
        finding = event.finding if event.finding in FINDINGS else ""
        tab = replace(tab, impressions=tab.impressions | {tab.chosen: finding})
        return self._open(tab, request, finding=finding or None)

    def seen_to(self, tab: TabState, request: gr.Request) -> tuple:
        """Somebody saw to a refused film: it leaves the queue."""
        try:
            self._service.close_refused(tab.chosen, "page")
        except KitError as error:
            return self._failed(tab, error, request)
        return self._open(replace(tab, chosen="", room=HAND_IN), request)

    def marked(self, tab: TabState, event: gr.EventData) -> TabState:
        """Regions were drawn on the film, or removed."""
        regions = []
        for ends in event.regions[:MAX_REGIONS]:
            left, top, right, bottom = (min(1.0, max(0.0, float(end))) for end in ends)
            regions.append((left, top, right, bottom))
        return replace(tab, regions=tuple(regions))

    def signed(
        self, tab: TabState, finding: str, comment: str, reason: str, initials: str, pin: str, request: gr.Request
    ) -> tuple:
        """The reader signs the film that is shown, or amends its signature; then the next one is shown."""
        language = _language(request)
        if not finding:
            return self._failed(tab, KitError(say(language, "say_finding")), request, pin)
        own = tab.impressions.get(tab.chosen, "")
        texts = (comment or "", reason or "")
        signature = Signature(tab.chosen, initials or "", finding, tab.seen, own, tab.regions, *texts)
        try:
            self._service.sign(signature, pin or "")
        except KitError as error:
            return self._failed(tab, error, request)
        return self._next_after(tab, request, "signed_as", say(language, f"finding_{finding}"))

    def taken_back(self, tab: TabState, reason: str, initials: str, pin: str, request: gr.Request) -> tuple:
        """The reader withdraws their own signature."""
        try:
            self._service.withdraw(tab.chosen, initials or "", pin or "", reason or "", tab.seen)
        except KitError as error:
            return self._failed(tab, error, request)
        return self._open(tab, request)

    def discarded(self, tab: TabState, reason: str, initials: str, pin: str, request: gr.Request) -> tuple:
        """The reader takes a draft off the list; the first click shows the field for the reason."""
        if not (reason or "").strip():
            shown = list(self._failed(tab, KitError(say(_language(request), "error_no_reason")), request, pin))
            shown[REASON] = gr.update(visible=True)
            return tuple(shown)
        try:
            self._service.discard(tab.chosen, initials or "", pin or "", reason, tab.seen)
        except KitError as error:
            return self._failed(tab, error, request)
        return self._next_after(tab, request, "discarded_now", "")

    def _open(self, tab: TabState, request: gr.Request, news: str = "", finding: str | None = None) -> tuple:
        """Show the chosen film with an empty form."""
        language = _language(request)
        case = self._service.find(tab.chosen) if tab.chosen else None
        tab = replace(tab, seen=case.version if case else 0, regions=())
        earlier = self._service.earlier_film(case) if case else None
        picture = film(case, language, self._is_hidden(case, tab), earlier)
        shown = list(self._shown(tab, request))
        shown[REASON] |= {"value": ""}
        return (*shown, message(news, is_good=True), picture, finding, "", "")

    def _next_after(self, tab: TabState, request: gr.Request, key: str, finding: str) -> tuple:
        """Say what was done, and show the next film that waits."""
        case = self._service.find(tab.chosen)
        child = (case.visit.label or case.id) if case else ""
        news = say(_language(request), key, child=child, finding=finding)
        following = self._next()
        return self._open(replace(tab, chosen=following or tab.chosen), request, news)

    def _next(self) -> str:
        """The film that waits first; "" if none does."""
        waiting = self._service.waiting()
        first = min(waiting, key=lambda case: case.created_at) if self._service.ask_first and waiting else None
        return (first or waiting[0]).id if waiting else ""

    def _failed(self, tab: TabState, error: KitError, request: gr.Request, pin: str = "") -> tuple:
        """Say why; the form stays, but for the PIN. If the record changed, it is shown as it is now."""
        case = self._service.find(tab.chosen) if tab.chosen else None
        shown = self._shown(replace(tab, seen=case.version if case else 0), request)
        return (*shown, message(said(_language(request), error)), *[gr.skip()] * 3, pin)

    def _shown(self, tab: TabState, request: gr.Request) -> tuple:
        """The parts that every event may change."""
        service, language = self._service, _language(request)
        case = service.find(tab.chosen) if tab.chosen else None
        tab = replace(tab, revision=service.revision())
        can_act = case is not None and case.saved and not case.answer.refusal and not self._is_hidden(case, tab)
        signed = case is not None and case.review is not None
        is_seen = case is not None and bool(case.pictures.film_jpeg)
        last = sorted(filter(None, map(service.find, tab.handed_in)), key=_urgency)
        waiting = service.waiting()
        return (
            tab,
            self._header(tab, language, waiting),
            outcome(last, service.predictor.card, language, service.ask_first),
            self._lists(tab, language, waiting),
            self._told(case, tab, language),
            gr.update(visible=can_act),
            gr.update(visible=signed),
            gr.update(visible=signed),
            gr.update(visible=can_act and not signed),
            gr.update(value=say(language, "amend" if signed else "sign"), visible=is_seen),
        )

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
        return answer(case, service.predictor.card, language, history, self._is_hidden(case, tab))

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


def _review_form(i18n: gr.I18n) -> ReviewForm:
    findings = [(i18n(f"finding_{key}"), key) for key in FINDINGS]
    with gr.Column(elem_id="kiosk-review", visible=False) as panel:
        finding = gr.Radio(findings, label=i18n("finding"), elem_id="kiosk-finding")
        comment = gr.Textbox(
            label=i18n("comment"), placeholder=i18n("comment"), elem_id="kiosk-comment", max_length=MAX_TEXT
        )
        reason = gr.Textbox(
            label=i18n("reason"), placeholder=i18n("reason"), elem_id="kiosk-reason", max_length=MAX_TEXT, visible=False
        )
        news = _part("kiosk-message")
        with gr.Row(elem_id="kiosk-who"):
            initials = gr.Textbox(label=i18n("initials"), elem_id="kiosk-initials", max_length=8, min_width=60)
            pin = gr.Textbox(label=i18n("pin"), elem_id="kiosk-pin", type="password", max_length=12, min_width=60)
        with gr.Row(elem_id="kiosk-acts"):
            sign = gr.Button(i18n("sign"), variant="primary", elem_id="kiosk-sign", min_width=60)
            take_back = gr.Button(i18n("take_back"), elem_id="kiosk-back", visible=False, min_width=60)
            discard = gr.Button(i18n("discard"), elem_id="kiosk-discard", min_width=60)
    return ReviewForm(panel, finding, comment, reason, initials, pin, sign, take_back, discard, news)


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
