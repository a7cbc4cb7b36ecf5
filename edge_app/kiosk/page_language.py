"""Sets the page's language at the very start of its HTML.

Gradio picks its language before it adds the `head` that it was given, so its own parts (the form for
signing) would stay in the browser's language. The server chooses, so that a page is in one language.
"""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.kiosk.language import direction, language_of

HEAD = (Path(__file__).parent / "static" / "head.html").read_text(encoding="utf-8")
START = b"<head>"


class PageLanguage:
    """ASGI middleware: puts `static/head.html` at the start of the head of the page at "/"."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; hold the page back until it is complete."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        language = language_of(request.cookies, request.headers.get("accept-language", ""))
        head = HEAD.replace("LANGUAGE", language).replace("DIRECTION", direction(language)).encode()
        start: Message = {}
        body = bytearray()

        async def send_with_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            content = bytes(body).replace(START, START + head, 1)
            MutableHeaders(scope=start)["content-length"] = str(len(content))
            await send(start)
            await send({"type": "http.response.body", "body": content})

        await self.app(_uncompressed(scope), receive, send_with_head)


def _uncompressed(scope: Scope) -> Scope:
    """The same request without compression."""
    headers = Headers(scope=scope).raw
    return {**scope, "headers": [(name, value) for name, value in headers if name != b"accept-encoding"]}
