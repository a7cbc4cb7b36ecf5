"""Offers the page for a phone at /phone/, with the model and the threshold of this kiosk."""

import mimetypes
from functools import cache

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

from edge_app.phone.build import PAGE, Page, build_page
from edge_app.workflow.reading_service import ReadingService

mimetypes.add_type("application/manifest+json", ".webmanifest")


def add_phone_page(app: FastAPI, service: ReadingService) -> None:
    """Add the routes; the page is built when it is first asked for."""

    @cache
    def page() -> Page:
        return build_page(service.predictor.bundle)

    @app.get("/phone/{name}")
    @app.get("/phone/")
    def phone(name: str = PAGE) -> Response:
        """One file of the page."""
        content = page().files.get(name)
        if content is None:
            return PlainTextResponse("There is nothing here.", 404)
        return Response(content, media_type=mimetypes.guess_type(name)[0])
