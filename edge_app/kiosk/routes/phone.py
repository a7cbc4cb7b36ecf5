"""Offers the page for a phone at /phone/, with the model and the threshold of this kiosk."""

from functools import cache

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

from edge_app.errors import BundleError
from edge_app.phone.build import ICON, MANIFEST, PAGE, WORKER, Page, build_page
from edge_app.workflow.reading_service import ReadingService

KINDS = {PAGE: "text/html", WORKER: "text/javascript", MANIFEST: "application/manifest+json", ICON: "image/svg+xml"}


def add_phone_page(app: FastAPI, service: ReadingService) -> None:
    """Add the routes; the page is built when it is first asked for."""

    @cache
    def page() -> Page:
        return build_page(service.predictor.bundle, is_kiosks=True)

    @app.get("/phone/{name}")
    @app.get("/phone/")
    def phone(name: str = PAGE) -> Response:
        """One file of the page."""
        if name not in KINDS:
            return PlainTextResponse("There is nothing here.", 404)
        try:
            return Response(page().files[name], media_type=KINDS[name])
        except BundleError as error:  # a model that the page cannot run
            return PlainTextResponse(str(error), 409)
