"""The kiosk's web application: the machine's routes, those for records and set-up, the page and the guard."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from edge_app.errors import ActRefused, KitError
from edge_app.kiosk.bounds import FILMS_PATH, BodyRefused, Bounds, Uploads, refused
from edge_app.kiosk.film_headers import turnings_of, visit_of
from edge_app.kiosk.guard import LOOPBACK_HOSTS, Guard
from edge_app.kiosk.login import Gate, Sessions, add_login
from edge_app.kiosk.page import build_page, page_settings
from edge_app.kiosk.page_language import PageLanguage
from edge_app.kiosk.phone_address import phone_address
from edge_app.kiosk.routes.phone import add_phone_page
from edge_app.kiosk.routes.records import add_record_routes
from edge_app.kiosk.routes.setup import add_setup_routes
from edge_app.records.readers import Reader, check_reader, credential, login_entries
from edge_app.workflow.reading_service import ReadingService


@dataclass(frozen=True)
class Reach:
    """From where the kiosk can be reached."""

    # Host names that a browser may use; on a LAN numeric addresses are also accepted.
    host_names: frozenset[str] = LOOPBACK_HOSTS
    # Also from other machines; readers must then log in.
    lan: bool = False
    # Served over TLS; the session cookie is then never sent over a plain connection.
    tls: bool = False
    # How phones call it: the name of its certificate, or the one address that it listens on; "" if it has many.
    known_as: str = ""


def build_app(service: ReadingService, reach: Reach | None = None) -> FastAPI:
    """The whole kiosk as one ASGI application, which only this machine can reach unless `reach` allows more."""
    reach = reach or Reach()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_machine_routes(app, service)
    add_phone_page(app, service)
    add_record_routes(app, service)
    add_setup_routes(app, service, lambda request: phone_address(request.url, reach.known_as) if reach.lan else "")
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
            not_saved = "the record cannot be written: the page says why" if service.not_saved else ""  # no path
            health = {"status": "ok", "model": service.check_model(), "not_saved": not_saved}
            return JSONResponse(health | {"troubles": troubles})
        except KitError as error:
            return JSONResponse({"status": "error", "reason": str(error)}, 503)

    uploads = Uploads()

    @app.post(FILMS_PATH)
    @app.post(f"{FILMS_PATH}/{{case_id}}/again")
    async def films(request: Request, case_id: str = "") -> JSONResponse:
        """Read one film, sent as the body; or one that was read, as it was turned and cropped on the screen.

        Returns the fields of `predict --json` and the record's ID.
        """
        try:
            visit, turnings = visit_of(request.headers), turnings_of(request.headers)
            async with uploads.film(request.receive) as content:
                if case_id:
                    case = await run_in_threadpool(service.read_again, case_id, turnings)
                else:
                    case = await run_in_threadpool(service.read, content, "page", visit, turnings)
        except BodyRefused as refusal:
            return refused(refusal)
        except ActRefused as refusal:
            return refused(BodyRefused(400, refusal.code, str(refusal)))
        return JSONResponse(service.as_json(case))

    one_at_a_time = asyncio.Semaphore(1)  # decoding takes the memory of a whole film

    async def picture(made: Callable[[str], bytes], case_id: str) -> Response:
        async with one_at_a_time:
            content = await run_in_threadpool(made, case_id)
        if not content:
            return PlainTextResponse("There is no such picture.", 404)
        return Response(content, media_type="image/jpeg")

    @app.get("/picture/{case_id}/film")
    async def screen_picture(case_id: str) -> Response:
        """The film of a case, while it is in memory or the site keeps films."""
        return await picture(service.screen_film, case_id)

    @app.get("/picture/{case_id}/full")
    async def full_picture(case_id: str) -> Response:
        """The film of a case in full resolution, while its file is in memory."""
        return await picture(service.full_film, case_id)
