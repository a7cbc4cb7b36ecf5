"""The kiosk's web application: guard, health, the way in for films, and the page."""

from typing import Any

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from edge_app.errors import KitError
from edge_app.film import MAX_FILE_BYTES
from edge_app.kiosk.desk import Desk
from edge_app.kiosk.guard import LOOPBACK_HOSTS, Guard
from edge_app.kiosk.page import build_page, page_settings
from edge_app.kiosk.shelf import Slip


def build_app(desk: Desk, host_names: frozenset[str] = LOOPBACK_HOSTS, addresses_too: bool = False) -> FastAPI:
    """The whole kiosk as one ASGI application."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    def health() -> JSONResponse:
        """200 and the model's name once it answered its golden films, 503 when it does not."""
        try:
            return JSONResponse({"status": "ok", "model": desk.check_model()})
        except KitError as error:
            return JSONResponse({"status": "error", "reason": str(error)}, 503)

    @app.post("/films")
    async def films(request: Request) -> JSONResponse:
        """One film as the body; answers as `predict --json` does, with the record's id."""
        content = await _body(request)
        if content is None:
            sentence = f"The file has more than {MAX_FILE_BYTES // 2**20} MiB."
            return JSONResponse({"status": "error", "reason": {"code": "file_too_large", "sentence": sentence}}, 413)
        slip = await run_in_threadpool(desk.read, content)
        return JSONResponse(slip_record(slip, desk))

    app = gr.mount_gradio_app(app, build_page(desk), path="/", **page_settings())
    app.add_middleware(Guard, host_names=host_names, addresses_too=addresses_too)
    return app


def slip_record(slip: Slip, desk: Desk) -> dict[str, Any]:
    """A slip for machines: the fields of `predict --json`, without a file name."""
    common = {"id": slip.id, "saved": slip.saved, "warnings": list(slip.warnings)}
    common |= {"model": desk.predictor.identity(), "runtime": str(desk.predictor.runtime)}
    if slip.answer is None:
        return common | {"status": slip.status, "reason": slip.reason}
    return common | {"status": "ok"} | slip.answer | {"ms": slip.ms}


async def _body(request: Request) -> bytes | None:
    """The request's body, None when it is larger than a film may be; never more than that in memory."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_FILE_BYTES:
            return None
    return bytes(content)
