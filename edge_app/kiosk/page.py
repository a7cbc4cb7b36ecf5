"""The page itself, in gradio: which part is shown where, and what happens on which event.

The parts are HTML from `views`; films come in through the kiosk's own route (see `app`), so gradio
never writes one to disk.
"""

from pathlib import Path

import gradio as gr

from edge_app.kiosk import views
from edge_app.kiosk.desk import Desk
from edge_app.kiosk.language import LANGUAGES, language_of, words
from edge_app.kiosk.shelf import Slip

STATIC = Path(__file__).parent / "static"
FONTS = ("system-ui", "Noto Sans", "DejaVu Sans", "sans-serif")
MAX_WAITING = 64  # events in gradio's queue; the next one is told that the kiosk is busy


def build_page(desk: Desk) -> gr.Blocks:
    """The page for one desk; mount it with `page_settings`."""
    card = desk.predictor.card
    with gr.Blocks(title="Chest film reader", analytics_enabled=False) as page:
        session = gr.State(list)  # ids of the films read in this browser tab, the newest first
        header = _part(elem_id="kiosk-header", script="header.js")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="kiosk-side"):
                picker = _part(elem_id="kiosk-picker", script="picker.js")
                films = _part(elem_id="kiosk-list", script="list.js")
            with gr.Column(elem_id="kiosk-middle"):
                viewer = _part(elem_id="kiosk-viewer", script="viewer.js")
            with gr.Column(elem_id="kiosk-right"):
                answer = _part(elem_id="kiosk-answer")

        def show(ids: list[str], chosen: str, language: str) -> tuple[str, str, str]:
            slips = [slip for slip in map(desk.shelf.get, ids) if slip]
            slip = desk.shelf.get(chosen)
            return (
                views.slip_list(slips, chosen, language),
                views.viewer(slip, language),
                views.answer(slip, card, language),
            )

        def opened(request: gr.Request) -> tuple[str, ...]:
            language = _language(request)
            return (views.header(card, language), views.picker(language), *show([], "", language))

        def films_read(ids: list[str], event: gr.EventData, request: gr.Request) -> tuple:
            new = [slip.id for slip in map(desk.shelf.get, event.ids) if slip]
            ids = [*reversed(new), *ids]
            return (ids, *show(ids, _worst(desk, new), _language(request)))

        def picked(ids: list[str], event: gr.EventData, request: gr.Request) -> tuple[str, str, str]:
            return show(ids, str(event.id), _language(request))

        shown = [films, viewer, answer]
        page.load(opened, None, [header, picker, *shown], show_progress="hidden", api_visibility="private")
        picker.films_read(
            films_read,
            session,
            [session, *shown],
            show_progress="hidden",
            api_visibility="private",
            concurrency_limit=4,
        )
        films.pick(picked, session, shown, show_progress="hidden", api_visibility="private", concurrency_limit=4)
    page.queue(max_size=MAX_WAITING)
    return page


def page_settings() -> dict:
    """What `gr.mount_gradio_app` must be told, beside the page."""
    return {
        "css_paths": STATIC / "style.css",
        "head": (STATIC / "head.html").read_text(encoding="utf-8"),
        "i18n": gr.I18n(**{code: dict(words(code)) for code in LANGUAGES}),
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


def _part(elem_id: str, script: str | None = None) -> gr.HTML:
    """A part of the page, dressed by style.css alone; its script runs once, when it is first shown."""
    code = (STATIC / script).read_text(encoding="utf-8") if script else None
    return gr.HTML(elem_id=elem_id, js_on_load=code, apply_default_css=False)


def _language(request: gr.Request) -> str:
    return language_of(request.cookies, request.headers.get("accept-language", ""))


def _worst(desk: Desk, ids: list[str]) -> str:
    """The film of a batch to look at first: the highest score, else the last one."""

    def score(slip_id: str) -> float:
        slip: Slip | None = desk.shelf.get(slip_id)
        return slip.answer["p_pneumonia"] if slip and slip.answer else -1.0

    return max(ids, key=score, default="")
