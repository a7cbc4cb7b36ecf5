"""Offers the page for a phone at /phone/, with the model and the threshold of this kiosk."""

import logging
import threading
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

from edge_app.errors import BundleError, DataError
from edge_app.phone.build import ICON, MANIFEST, NAMESPACE, PAGE, UPDATE, WORKER, Page, build_page
from edge_app.system.signing import Signer, make_key, read_signer
from edge_app.workflow.reading_service import ReadingService

KINDS = {PAGE: "text/html", WORKER: "text/javascript", MANIFEST: "application/manifest+json", ICON: "image/svg+xml"}
KINDS |= {UPDATE: "application/json"}
KEY_FILE = "phone.key"
LOG = logging.getLogger(__name__)


def add_phone_page(app: FastAPI, service: ReadingService) -> None:
    """Add the routes; the page is built when it is first asked for."""

    building = threading.Lock()  # two phones may ask at once, and there is one key

    @cache
    def page() -> Page:
        return build_page(service.predictor.bundle, sign=own_signer(service.home), is_kiosks=True)

    @app.get("/phone/{name}")
    @app.get("/phone/")
    def phone(name: str = PAGE) -> Response:
        """One file of the page."""
        if name not in KINDS:
            return PlainTextResponse("There is nothing here.", 404)
        try:
            with building:
                return Response(page().files[name], media_type=KINDS[name])
        except BundleError as error:  # a model that the page cannot run
            return PlainTextResponse(str(error), 409)


def own_signer(home: Path) -> Signer | None:
    """Signs with this kiosk's key, which is made at the first use; None where there can be none.

    Installed pages then take updates from this kiosk alone.
    """
    key = home / KEY_FILE
    try:
        if not key.exists():
            make_key(key)
        return read_signer(key, NAMESPACE)
    except DataError as error:
        LOG.warning("pages that phones install from here take no updates: %s", error)
        return None
