"""The kiosk's web application: routes for health, films, record and exports, with the page and the guard."""

import ipaddress
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import gradio as gr
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from edge_app.errors import KitError, StoreError
from edge_app.kiosk.bounds import FILMS_PATH, BodyRefused, Bounds, Uploads, refused
from edge_app.kiosk.guard import LOOPBACK_HOSTS, Guard
from edge_app.kiosk.language import language_of
from edge_app.kiosk.login import COOKIE as SESSION_COOKIE
from edge_app.kiosk.login import Gate, Sessions, add_login
from edge_app.kiosk.page import build_page, page_settings
from edge_app.kiosk.page_language import PageLanguage
from edge_app.kiosk.phone_page import add_phone_page
from edge_app.kiosk.static_pages import record_page, report_page
from edge_app.records.export import to_csv, to_json
from edge_app.records.readers import (
    READER,
    Reader,
    check_reader,
    credential,
    enrol,
    login_entries,
    readers,
    was_anybody_enrolled,
)
from edge_app.workflow.reading_service import ReadingService
from edge_app.workflow.result_image import result_image, result_lines
from edge_app.workflow.secondary_capture import secondary_capture

SHOWN_AFTER_ERROR = 10


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
    add_phone_page(app, service)
    sessions = Sessions(lambda initials: credential(service.store(), initials))
    if reach.lan:
        add_login(app, sessions, partial(_check_login, service), reach.tls)
    app = gr.mount_gradio_app(app, build_page(service), path="/", **page_settings())
    app.add_middleware(PageLanguage)
    if reach.lan:
        app.add_middleware(Gate, sessions=sessions)
    # What is added last runs first: a refused request reaches neither the login nor the page.
    app.add_middleware(Bounds)
    app.add_middleware(Guard, host_names=reach.host_names, addresses_too=reach.lan)
    return app


def _check_login(service: ReadingService, initials: str, pin: str, address: str) -> Reader:
    return check_reader(service.store(), initials, pin, login_entries(address))


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

    uploads = Uploads()

    @app.post(FILMS_PATH)
    async def films(request: Request) -> JSONResponse:
        """Read one film, sent as the body; returns the fields of `predict --json` and the record's ID."""
        try:
            async with uploads.film(request.receive) as content:
                case = await run_in_threadpool(service.read, content)
        except BodyRefused as refusal:
            return refused(refusal)
        return JSONResponse(service.as_json(case))


def _add_record_routes(app: FastAPI, service: ReadingService) -> None:
    @app.get("/record")
    def record(request: Request) -> HTMLResponse:
        """All records and the readers."""
        return _record_page(service, request)

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
    def add(
        request: Request,
        initials: Annotated[str, Form()],
        pin: Annotated[str, Form()],
        role: Annotated[str, Form()] = READER,
        by_initials: Annotated[str, Form()] = "",
        by_pin: Annotated[str, Form()] = "",
    ) -> Response:
        """Enrol a reader or a technician; an error is shown on the record page."""
        try:
            by = (by_initials, by_pin)
            enrol(service.store(), Reader(initials, role), pin, by, at_the_machine=_is_this_machine(request))
        except KitError as error:
            return _record_page(service, request, str(error))
        return RedirectResponse("record", 303)

    @app.exception_handler(StoreError)
    def no_record(_: Request, error: StoreError) -> Response:
        """Say that the record failed, instead of a bare 500."""
        return PlainTextResponse(f"The record is not available: {error}", 503)


def _record_page(service: ReadingService, request: Request, problem: str = "") -> HTMLResponse:
    store = service.store()
    people = readers(store) if was_anybody_enrolled(store) else None
    # Somebody who tries PINs gets a short page: a long one would take the time of others.
    page = record_page(
        store.records(limit=SHOWN_AFTER_ERROR if problem else -1),
        people,
        _language(request),
        problem,
        SESSION_COOKIE in request.cookies,
    )
    return HTMLResponse(page, 400 if problem else 200)


def _is_this_machine(request: Request) -> bool:
    return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback


def _exported(service: ReadingService, content: str, kind: str) -> Response:
    service.store().note("kiosk", "export", detail=kind)
    name = f"records.{kind.rpartition('/')[2]}"
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


def _language(request: Request) -> str:
    return language_of(request.cookies, request.headers.get("accept-language", ""))
