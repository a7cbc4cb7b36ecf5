"""The page itself, in gradio: which part is shown where, and what happens on which event.

The parts are HTML from `views`; films come in through the kiosk's own route (see `app`), so gradio
never writes one to disk. What a browser tab has read, shown and marked is its own `Visit`.
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
MAX_WAITING = 64  # events in gradio's queue; the next one is told that the kiosk is busy
MAX_LISTED = 100  # films of one visit in its list
REFRESH_S = 5  # how often the lists are asked for anew while a folder is watched
AT_ONCE = 4  # events of one kind that may run at the same time
QUIET = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": AT_ONCE}


@dataclass(frozen=True)
class Visit:
    """What one browser tab did: ids it read (the newest first), the one shown, the region marked on it."""

    read: tuple[str, ...] = ()
    chosen: str = ""
    region: tuple[float, ...] = ()
    impressions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReviewForm:
    """The components with which a reader signs."""

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
    """The page for one service; mount it with `page_settings`."""
    i18n = translations()
    with gr.Blocks(title="Chest film reader", analytics_enabled=False) as page:
        visit = gr.State(_new_visit)
        header = _part("kiosk-header", "header.js")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="kiosk-side"):
                picker = _part("kiosk-picker", "picker.js")
                lists = _part("kiosk-list", "list.js")
            with gr.Column(elem_id="kiosk-middle"):
                viewer = _part("kiosk-viewer", "viewer.js")
            with gr.Column(elem_id="kiosk-right"):
                answer = _part("kiosk-answer", "answer.js")
                form = _review_form(i18n)
                about = _part("kiosk-about")

        panes = Panes(service)
        shown = [header, lists, viewer, answer, form.panel, form.questions, form.sign, form.take_back, form.message]
        asked = [form.verdict, form.finding, form.pin]
        page.load(panes.opened, visit, [picker, about, *shown], **QUIET)
        picker.films_read(panes.films_read, visit, [visit, *shown, *asked], **QUIET)
        lists.pick(panes.picked, visit, [visit, *shown, *asked], **QUIET)
        answer.impression(panes.impression, visit, [visit, *shown], **QUIET)
        viewer.marked(panes.marked, visit, visit, **QUIET)
        entries = [visit, form.verdict, form.finding, form.initials, form.pin]
        signing: dict[str, Any] = {"fn": panes.signed, "inputs": entries, "outputs": [*shown, form.pin], **QUIET}
        form.sign.click(**signing)
        form.pin.submit(**signing)
        form.take_back.click(panes.taken_back, [visit, form.initials, form.pin], [*shown, form.pin], **QUIET)
        if service.watching:
            gr.Timer(REFRESH_S).tick(panes.refreshed, visit, lists, **QUIET)
    page.queue(max_size=MAX_WAITING)
    return page


class Panes:
    """What each event shows; every method returns the values of its outputs in `build_page`."""

    def __init__(self, service: ReadingService) -> None:
        self._service = service

    def opened(self, visit: Visit, request: gr.Request) -> tuple:
        """The page was loaded."""
        language = _language(request)
        about = views.about(self._service.predictor.card, language)
        return (views.picker(language), about, *self._shown(visit, request))

    def films_read(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple:
        """The browser handed films in; the most urgent of them is shown."""
        new = [case for case in map(self._service.cases.get, event.ids) if case]
        read = (*(case.id for case in reversed(new)), *visit.read)[:MAX_LISTED]
        first = max(new, key=_urgency, default=None)
        visit = replace(visit, read=read, chosen=first.id if first else visit.chosen, region=())
        return (visit, *self._shown(visit, request), None, None, "")

    def picked(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple:
        """A row of a list was touched."""
        visit = replace(visit, chosen=str(event.id), region=())
        return (visit, *self._shown(visit, request), None, None, "")

    def refreshed(self, visit: Visit, request: gr.Request) -> str:
        """Time has passed: drafts may have come in from the watched folder."""
        return self._lists(visit, _language(request))

    def impression(self, visit: Visit, event: gr.EventData, request: gr.Request) -> tuple:
        """The reader said what they see, before the answer."""
        finding = event.finding if event.finding in FINDINGS else ""
        visit = replace(visit, impressions=visit.impressions | {visit.chosen: finding})
        return (visit, *self._shown(visit, request))

    def marked(self, visit: Visit, event: gr.EventData) -> Visit:
        """A region was drawn on the film, or taken away."""
        ends = tuple(min(1.0, max(0.0, float(end))) for end in event.region)
        return replace(visit, region=ends if len(ends) == 4 else ())

    def signed(self, visit: Visit, verdict: str, finding: str, initials: str, pin: str, request: gr.Request) -> tuple:
        """The reader signs what is shown."""
        if not (verdict and finding):
            return (*self._shown(visit, request, say(_language(request), "say_verdict_and_finding")), pin)
        own = visit.impressions.get(visit.chosen, "")
        review = Review(visit.chosen, initials or "", verdict, finding, own, visit.region)
        try:
            self._service.sign(review, pin or "")
        except KitError as error:
            return (*self._shown(visit, request, str(error)), "")
        return (*self._shown(visit, request), "")

    def taken_back(self, visit: Visit, initials: str, pin: str, request: gr.Request) -> tuple:
        """The reader undoes the last sign-off."""
        try:
            self._service.withdraw(visit.chosen, initials or "", pin or "")
        except KitError as error:
            return (*self._shown(visit, request, str(error)), "")
        return (*self._shown(visit, request), "")

    def _shown(self, visit: Visit, request: gr.Request, message: str = "") -> tuple:
        """Header, lists, viewer, answer; the form, its questions, its two buttons and its message."""
        service, language = self._service, _language(request)
        card = service.predictor.card
        case = service.find(visit.chosen) if visit.chosen else None
        hidden = service.ask_first and case is not None and not case.review and case.id not in visit.impressions
        signed = case is not None and case.review is not None
        can_sign = case is not None and case.saved and not hidden
        return (
            views.header(card, language, service.not_saved),
            self._lists(visit, language),
            views.viewer(case, language, hidden),
            views.answer(case, card, language, hidden),
            gr.update(visible=can_sign),
            gr.update(visible=not signed),
            gr.update(visible=not signed),
            gr.update(visible=signed),
            views.message(message),
        )

    def _lists(self, visit: Visit, language: str) -> str:
        read = [found for found in map(self._service.find, visit.read) if found]
        return views.case_lists(read, self._service.waiting(), visit.chosen, language, self._service.ask_first)


def translations() -> gr.I18n:
    """The kit's words as gradio wants them."""
    return gr.I18n(**{code: dict(words(code)) for code in LANGUAGES})


def page_settings() -> dict[str, Any]:
    """What `gr.mount_gradio_app` must be told, beside the page."""
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


def _new_visit() -> Visit:
    """A function, for gradio would take the class itself for the value."""
    return Visit()


def _part(elem_id: str, script: str | None = None) -> gr.HTML:
    """A part of the page, dressed by style.css alone; its script runs once, when it is first shown."""
    code = (STATIC / script).read_text(encoding="utf-8") if script else None
    return gr.HTML(elem_id=elem_id, js_on_load=code, apply_default_css=False)


def _language(request: gr.Request) -> str:
    return language_of(request.cookies, request.headers.get("accept-language", ""))


def _urgency(case: Case) -> float:
    """What to look at first: the highest score; a film without one comes last."""
    return -1.0 if case.answer.refusal else case.answer.decision.p_finding
