"""The page in gradio: which part is shown where, and what each event does.

The parts are HTML from `views`. Films are uploaded through the kiosk's own route (see `app`), so gradio
never writes one to disk. Each browser tab has its own `TabState`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from edge_app.errors import KitError
from edge_app.kiosk import views
from edge_app.kiosk.language import LANGUAGES, language_of, say, words
from edge_app.records.database import FINDINGS, VERDICTS, Review
from edge_app.workflow.case import Case
from edge_app.workflow.reading_service import ReadingService

STATIC = Path(__file__).parent / "static"
FONTS = ("system-ui", "Noto Sans", "DejaVu Sans", "sans-serif")
MAX_WAITING = 64  # events in gradio's queue; further ones get the message that the kiosk is busy
MAX_LISTED = 100  # films in the list of one tab
REFRESH_S = 5  # how often the lists are refreshed while a folder is watched
AT_ONCE = 4  # events of one kind that may run at once
QUIET = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": AT_ONCE}


@dataclass(frozen=True)
class TabState:
    """State of one browser tab: the IDs it read (newest first), the one shown, the region marked on it."""

    read: tuple[str, ...] = ()
    chosen: str = ""
    region: tuple[float, ...] = ()
    impressions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReviewForm:
    """The components for signing."""

    panel: gr.Column
    questions: gr.Column
    verdict: gr.Radio
    finding: gr.Radio
    initials: gr.Textbox
    pin: gr.Textbox
    sign: gr.Button
    take_back: gr.Button
    message: gr.HTML


def build_page(service: ReadingService) -> gr.Blocks:
    """Build the page; mount it with `page_settings`."""
    i18n = translations()
    with gr.Blocks(title="Chest film reader", analytics_enabled=False) as page:
        tab = gr.State(_new_tab)
        header = _part("kiosk-header", "header.js")
        with gr.Row(elem_id="kiosk-columns"):
            with gr.Column(elem_id="kiosk-side"):
                picker = _part("kiosk-picker", "picker.js")
                lists = _part("kiosk-list", "list.js")
            with gr.Column(elem_id="kiosk-middle"):
                viewer = _part("kiosk-viewer", "viewer.js")
            with gr.Column(elem_id="kiosk-right"):
                answer = _part("kiosk-answer", "answer.js")
                form = _review_form(i18n)
                about = _part("kiosk-about")

        events = PageEvents(service)
        shown = [header, lists, viewer, answer, form.panel, form.questions, form.sign, form.take_back, form.message]
        asked = [form.verdict, form.finding, form.pin]
        page.load(events.opened, tab, [picker, about, *shown], **QUIET)
        picker.films_read(events.films_read, tab, [tab, *shown, *asked], **QUIET)
        lists.pick(events.picked, tab, [tab, *shown, *asked], **QUIET)
        answer.impression(events.impression, tab, [tab, *shown], **QUIET)
        viewer.marked(events.marked, tab, tab, **QUIET)
        entries = [tab, form.verdict, form.finding, form.initials, form.pin]
        signing: dict[str, Any] = {"fn": events.signed, "inputs": entries, "outputs": [*shown, form.pin], **QUIET}
        form.sign.click(**signing)
        form.pin.submit(**signing)
        form.take_back.click(events.taken_back, [tab, form.initials, form.pin], [*shown, form.pin], **QUIET)
        if service.watching:
            gr.Timer(REFRESH_S).tick(events.refreshed, tab, lists, **QUIET)
    page.queue(max_size=MAX_WAITING)
    return page


class PageEvents:
    """One method per event; each returns the values of its outputs in `build_page`."""

    def __init__(self, service: ReadingService) -> None:
        self._service = service

    def opened(self, tab: TabState, request: gr.Request) -> tuple:
        """The page was loaded."""
        language = _language(request)
        about = views.about(self._service.predictor.card, language)
        return (views.picker(language), about, *self._shown(tab, request))

    def films_read(self, tab: TabState, event: gr.EventData, request: gr.Request) -> tuple:
        """The browser uploaded films; the most urgent one is shown."""
        new = [case for case in map(self._service.cases.get, event.ids) if case]
        read = (*(case.id for case in reversed(new)), *tab.read)[:MAX_LISTED]
        first = max(new, key=_urgency, default=None)
        tab = replace(tab, read=read, chosen=first.id if first else tab.chosen, region=())
        return (tab, *self._shown(tab, request), None, None, "")

    def picked(self, tab: TabState, event: gr.EventData, request: gr.Request) -> tuple:
        """A row of a list was chosen."""
        tab = replace(tab, chosen=str(event.id), region=())
        return (tab, *self._shown(tab, request), None, None, "")

    def refreshed(self, tab: TabState, request: gr.Request) -> str:
        """Refresh the lists: drafts may have come from the watched folder."""
        return self._lists(tab, _language(request))

    def impression(self, tab: TabState, event: gr.EventData, request: gr.Request) -> tuple:
        """The reader gave their own impression before seeing the answer."""
        finding = event.finding if event.finding in FINDINGS else ""
        tab = replace(tab, impressions=tab.impressions | {tab.chosen: finding})
        return (tab, *self._shown(tab, request))

    def marked(self, tab: TabState, event: gr.EventData) -> TabState:
        """A region was drawn on the film, or removed."""
        ends = tuple(min(1.0, max(0.0, float(end))) for end in event.region)
        return replace(tab, region=ends if len(ends) == 4 else ())

    def signed(self, tab: TabState, verdict: str, finding: str, initials: str, pin: str, request: gr.Request) -> tuple:
        """The reader signs the case that is shown."""
        if not (verdict and finding):
            return (*self._shown(tab, request, say(_language(request), "say_verdict_and_finding")), pin)
        own = tab.impressions.get(tab.chosen, "")
        review = Review(tab.chosen, initials or "", verdict, finding, own, tab.region)
        try:
            self._service.sign(review, pin or "")
        except KitError as error:
            return (*self._shown(tab, request, str(error)), "")
        return (*self._shown(tab, request), "")

    def taken_back(self, tab: TabState, initials: str, pin: str, request: gr.Request) -> tuple:
        """The reader withdraws the last review."""
        try:
            self._service.withdraw(tab.chosen, initials or "", pin or "")
        except KitError as error:
            return (*self._shown(tab, request, str(error)), "")
        return (*self._shown(tab, request), "")

    def _shown(self, tab: TabState, request: gr.Request, message: str = "") -> tuple:
        """Header, lists, viewer, answer; the form, its questions, its two buttons and its message."""
        service, language = self._service, _language(request)
        card = service.predictor.card
        case = service.find(tab.chosen) if tab.chosen else None
        hidden = service.ask_first and case is not None and not case.review and case.id not in tab.impressions
        signed = case is not None and case.review is not None
        can_sign = case is not None and case.saved and not hidden
        return (
            views.header(card, language, service.not_saved, service.not_deleted),
            self._lists(tab, language),
            views.viewer(case, language, hidden),
            views.answer(case, card, language, hidden),
            gr.update(visible=can_sign),
            gr.update(visible=not signed),
            gr.update(visible=not signed),
            gr.update(visible=signed),
            views.message(message),
        )

    def _lists(self, tab: TabState, language: str) -> str:
        read = [found for found in map(self._service.find, tab.read) if found]
        return views.case_lists(read, self._service.waiting(), tab.chosen, language, self._service.ask_first)


def translations() -> gr.I18n:
    """The kit's texts in gradio's form."""
    return gr.I18n(**{code: dict(words(code)) for code in LANGUAGES})


def page_settings() -> dict[str, Any]:
    """Further arguments for `gr.mount_gradio_app`."""
    return {
        "css_paths": STATIC / "style.css",
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
    verdicts = [(i18n(key), key) for key in VERDICTS]
    findings = [(i18n(f"finding_{key}"), key) for key in FINDINGS]
    with gr.Column(elem_id="kiosk-review", visible=False) as panel:
        with gr.Column(elem_id="kiosk-questions") as questions:
            verdict = gr.Radio(verdicts, label=i18n("verdict"), elem_id="kiosk-verdict")
            finding = gr.Radio(findings, label=i18n("finding"), elem_id="kiosk-finding")
        with gr.Row(elem_id="kiosk-who"):
            initials = gr.Textbox(label=i18n("initials"), elem_id="kiosk-initials", max_length=8, min_width=80)
            pin = gr.Textbox(label=i18n("pin"), elem_id="kiosk-pin", type="password", max_length=12, min_width=80)
        message = _part("kiosk-message")
        sign = gr.Button(i18n("sign"), variant="primary", elem_id="kiosk-sign")
        take_back = gr.Button(i18n("take_back"), elem_id="kiosk-back", visible=False)
    return ReviewForm(panel, questions, verdict, finding, initials, pin, sign, take_back, message)


def _new_tab() -> TabState:
    """A function, because gradio would take the class itself for the value."""
    return TabState()


def _part(elem_id: str, script: str | None = None) -> gr.HTML:
    """A part of the page, styled by style.css alone. Its script runs once, when the part is first shown."""
    code = (STATIC / script).read_text(encoding="utf-8") if script else None
    return gr.HTML(elem_id=elem_id, js_on_load=code, apply_default_css=False)


def _language(request: gr.Request) -> str:
    return language_of(request.cookies, request.headers.get("accept-language", ""))


def _urgency(case: Case) -> float:
    """Sort key: the highest score first, films without a score last."""
    return -1.0 if case.answer.refusal else case.answer.decision.p_finding
