"""The kiosk's web application: routes for health, films, record and exports, with the page and the guard."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import gradio as gr
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from edge_app.errors import KitError, StoreError
from edge_app.imaging.limits import MAX_FILE_BYTES
from edge_app.kiosk.guard import LOOPBACK_HOSTS, Guard
from edge_app.kiosk.language import language_of
from edge_app.kiosk.login import COOKIE as SESSION_COOKIE
from edge_app.kiosk.login import Gate, Sessions, add_login
from edge_app.kiosk.page import build_page, page_settings
from edge_app.kiosk.page_language import PageLanguage
from edge_app.kiosk.static_pages import record_page, report_page
from edge_app.kiosk.upload_limit import UploadLimit
from edge_app.records.export import to_csv, to_json
from edge_app.records.readers import add_reader, check_reader, reader_names
from edge_app.workflow.reading_service import ReadingService
from edge_app.workflow.result_image import result_image, result_lines
from edge_app.workflow.secondary_capture import secondary_capture

# Few films are accepted at once, so a slow upload would keep others waiting.
SLACK_S = 10.0
SLOWEST_BYTES_PER_S = 32_000.0  # average after the slack: a poor wireless link


class BodyRefused(Exception):
    """A film was not accepted: status, code, sentence."""


@dataclass(frozen=True)
class Reach:
    """From where the kiosk can be reached."""

    # Host names that a browser may use; on a LAN numeric addresses are also accepted.
    host_names: frozenset[str] = LOOPBACK_HOSTS
    # Also from other machines; readers must then log in.
    lan: bool = False
    # Served over TLS; the session cookie is then never sent over a plain connection.
    tls: bool = False


def build_app(service: ReadingService, reach: Reach | None = None) -> FastAPI:
    """The whole kiosk as one ASGI application, which only this machine can reach unless `reach` allows more."""
    reach = reach or Reach()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_machine_routes(app, service)
    _add_record_routes(app, service)
    sessions = Sessions()
    if reach.lan:
        add_login(app, sessions, lambda initials, pin: check_reader(service.store(), initials, pin), reach.tls)
    app = gr.mount_gradio_app(app, build_page(service), path="/", **page_settings())
    app.add_middleware(PageLanguage)
    if reach.lan:
        app.add_middleware(Gate, sessions=sessions)
    # Added last, so it runs first: a refused request reaches neither the login nor the page.
    app.add_middleware(Guard, host_names=reach.host_names, addresses_too=reach.lan)
    return app


def _add_machine_routes(app: FastAPI, service: ReadingService) -> None:
    @app.get("/health")
    def health() -> JSONResponse:
        """200 and the model's name if it answers its golden films correctly, else 503."""
        try:
            troubles = {name: trouble for name, trouble in service.troubles.items() if trouble}
            health = {"status": "ok", "model": service.check_model(), "not_saved": service.not_saved}
            return JSONResponse(health | {"troubles": troubles})
        except KitError as error:
            return JSONResponse({"status": "error", "reason": str(error)}, 503)

    limit = UploadLimit()

    @app.post("/films")
    async def films(request: Request) -> JSONResponse:
        """Read one film, sent as the body; returns the fields of `predict --json` and the record's ID."""
        if limit.is_full():
            return _refused(503, "busy", "The kiosk is busy: send the film again in a moment.")
        async with limit:
            try:
                content = await _body(request)
            except BodyRefused as refusal:
                return _refused(*refusal.args)
            case = await run_in_threadpool(service.read, content)
        return JSONResponse(service.as_json(case))


def _add_record_routes(app: FastAPI, service: ReadingService) -> None:
    @app.get("/record")
    def record(request: Request) -> HTMLResponse:
        """All records and the readers."""
        store = service.store()
        logged_in = SESSION_COOKIE in request.cookies
        return HTMLResponse(record_page(store.records(), reader_names(store), _language(request), logged_in=logged_in))

    @app.get("/report/{record_id}")
    def report(record_id: str, request: Request) -> HTMLResponse:
        """One record on one page."""
        case = service.recorded(record_id)
        if case is None:
            return HTMLResponse("There is no such record.", 404)
        return HTMLResponse(report_page(case, service.predictor.card, _language(request)))

    @app.get("/dicom/{record_id}")
    def dicom(record_id: str) -> Response:
        """A signed result as a Secondary Capture, while its DICOM film is in memory."""
        case = service.recorded(record_id)
        if case is None:
            return PlainTextResponse("There is no such record.", 404)
        if case.origin is None:
            return PlainTextResponse("Only for DICOM films, and only while they are in memory.", 409)
        if case.review is None:
            return PlainTextResponse("Nobody has signed it: drafts are not filed.", 409)
        lines = result_lines(case, service.predictor.card)
        content = secondary_capture(case.origin, result_image(case, lines), "\n".join(lines), record_id, case.review.at)
        service.store().note("kiosk", "export", record_id, "application/dicom")
        name = f'attachment; filename="{record_id}.dcm"'
        return Response(content, media_type="application/dicom", headers={"content-disposition": name})

    @app.get("/export.csv")
    def export_csv() -> Response:
        """Every record as CSV."""
        return _exported(service, to_csv(service.store().records()), "text/csv")

    @app.get("/export.json")
    def export_json() -> Response:
        """Every record as JSON."""
        return _exported(service, to_json(service.store().records()), "application/json")

    @app.post("/readers")
    def readers(request: Request, initials: Annotated[str, Form()], pin: Annotated[str, Form()]) -> Response:
        """Enrol a reader; an error is shown on the record page."""
        try:
            add_reader(service.store(), initials, pin)
        except KitError as error:
            store = service.store()
            page = record_page(store.records(), reader_names(store), _language(request), str(error))
            return HTMLResponse(page, 400)
        return RedirectResponse("record", 303)

    @app.exception_handler(StoreError)
    def no_record(_: Request, error: StoreError) -> Response:
        """Say that the record failed, instead of a bare 500."""
        return PlainTextResponse(f"The record is not available: {error}", 503)


def _refused(status: int, code: str, sentence: str) -> JSONResponse:
    return JSONResponse({"status": "error", "reason": {"code": code, "sentence": sentence}}, status)


def _exported(service: ReadingService, content: str, kind: str) -> Response:
    service.store().note("kiosk", "export", detail=kind)
    name = f"records.{kind.rpartition('/')[2]}"
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


async def _body(request: Request, clock: Callable[[], float] = time.monotonic) -> bytes:
    """Read the request's body, within limits on size and time.

    Raises:
        BodyRefused: it is larger than a film may be, or arrives so slowly that it holds up the others.
    """
    content = bytearray()
    chunks = request.stream()
    started = clock()
    while True:
        patience = started + SLACK_S + len(content) / SLOWEST_BYTES_PER_S - clock()
        try:
            content += await asyncio.wait_for(anext(chunks), max(patience, 0))
        except StopAsyncIteration:
            return bytes(content)
        except asyncio.TimeoutError as cause:
            raise BodyRefused(408, "too_slow", "The film arrived too slowly: send it again.") from cause
        if len(content) > MAX_FILE_BYTES:
            raise BodyRefused(413, "file_too_large", f"The file has more than {MAX_FILE_BYTES // 2**20} MiB.")


def _language(request: Request) -> str:
    return language_of(request.cookies, request.headers.get("accept-language", ""))
