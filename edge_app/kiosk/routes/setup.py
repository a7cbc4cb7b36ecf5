"""Routes for the technician: set-up, readers, back-up and model. Each act needs a PIN once somebody is enrolled."""

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from edge_app.errors import BundleError, KitError
from edge_app.kiosk.language import COOKIE as LANGUAGE_COOKIE
from edge_app.kiosk.language import LANGUAGES, said, say
from edge_app.kiosk.routes.records import frame_of
from edge_app.kiosk.views.setup import SetUp, set_up
from edge_app.model.installed import VERSION_DIGITS, ModelStore, Selection
from edge_app.records.readers import READER, Reader, enrol, readers, was_anybody_enrolled
from edge_app.records.retention import clock_doubt
from edge_app.records.site import check_technician, name_clinic
from edge_app.system.clock import machine_time
from edge_app.workflow.media import MOUNTS, chosen, locked, media, models_on
from edge_app.workflow.reading_service import ReadingService

A_YEAR_S = 365 * 24 * 3600
Text = Annotated[str, Form()]


def add_setup_routes(app: FastAPI, service: ReadingService, phones_find: Callable[[Request], str]) -> None:
    """Add them; `phones_find` gives the address of the page for a phone, "" where no phone can reach it."""
    started_with = _selection(service).current

    def site(request: Request) -> SetUp:
        return replace(_site(service, request, started_with), phone_address=phones_find(request))

    def acted(request: Request, act: Callable[[], object], done: str) -> Response:
        """Do something; show the page with what came of it."""
        frame = frame_of(service, request)
        try:
            act()
        except KitError as error:
            page = set_up(site(request), frame, problem=said(frame.language, error))
            return HTMLResponse(page, 400)
        frame = frame_of(service, request)  # it may have another clinic's name now
        return HTMLResponse(set_up(site(request), frame, done=say(frame.language, done)))

    @app.get("/setup")
    def show(request: Request) -> HTMLResponse:
        """How the site stands, and what can be done."""
        return HTMLResponse(set_up(site(request), frame_of(service, request)))

    @app.post("/language")
    def choose_language(language: Text) -> Response:
        """Keep the language of this browser, as the list on the page does."""
        answer = RedirectResponse("setup", 303)
        if language in LANGUAGES:
            answer.set_cookie(LANGUAGE_COOKIE, language, A_YEAR_S, samesite="strict")
        return answer

    @app.post("/clinic")
    def clinic(request: Request, name: Text, initials: Text = "", pin: Text = "") -> Response:
        """Name the clinic; at the first start without a PIN."""
        store = service.store()
        return acted(
            request, lambda: name_clinic(store, name, check_technician(store, initials, pin, True)), "clinic_named"
        )

    @app.post("/readers")
    def add(
        request: Request, initials: Text, pin: Text, role: Text = READER, by_initials: Text = "", by_pin: Text = ""
    ) -> Response:
        """Enrol a reader or a technician."""
        new, by = Reader(initials, role), (by_initials, by_pin)
        here = _is_this_machine(request)
        return acted(request, lambda: enrol(service.store(), new, pin, by, here), "reader_added")

    @app.post("/back-up")
    def back_up(request: Request, medium: Text, initials: Text, pin: Text) -> Response:
        """Write a back-up to a stick that is there now."""

        def act() -> None:
            store = service.store()
            actor, folder = check_technician(store, initials, pin), chosen(medium, media())
            name = f"cxr-records-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}.sqlite3"
            store.back_up(folder / name)
            store.note(actor, "back-up asked for", detail=name)

        return acted(request, act, "back_up_written")

    @app.post("/model")
    def model(request: Request, initials: Text, pin: Text, file: Text = "") -> Response:
        """Install a model from a stick, or without a file go back to the one before; for the next start."""

        def act() -> None:
            store = service.store()
            actor, models = check_technician(store, initials, pin), _models(service)
            if file:
                installed = models.install(chosen(file, models_on(media()))).sha256[:VERSION_DIGITS]
                store.note(actor, "model installed", detail=installed)
            else:
                store.note(actor, "model rolled back", detail=models.rollback())

        return acted(request, act, "restart_needed")


def _site(service: ReadingService, request: Request, started_with: str) -> SetUp:
    store, places, selection = service.store(), media(), _selection(service)
    return SetUp(
        card=service.predictor.card,
        readers=readers(store),
        anybody_enrolled=was_anybody_enrolled(store),
        language_chosen=LANGUAGE_COOKIE in request.cookies,
        clock_doubt=clock_doubt(store, datetime.now(timezone.utc), machine_time()),
        films_folder=service.films.folder if service.films else None,
        media=places,
        locked=locked(MOUNTS.read_text(errors="replace")),
        models=models_on(places),
        current=selection.current,
        previous=selection.previous,
        restart=selection.current != started_with,
    )


def _selection(service: ReadingService) -> Selection:
    try:
        return _models(service).selection()
    except BundleError:  # damaged: the kiosk's start says so, and goes back to one that works
        return Selection()


def _models(service: ReadingService) -> ModelStore:
    return ModelStore(service.home)


def _is_this_machine(request: Request) -> bool:
    return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
