"""What must stand at the very start of the page's HTML.

Gradio chooses its language before it adds the `head` that it was given, so a language chosen in the
page would leave its own parts (the form in which a reader signs) in the browser's. The language is
the server's choice, so that one page never speaks two.
"""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.kiosk.language import language_of

HEAD = (Path(__file__).parent / "static" / "head.html").read_text(encoding="utf-8")
PLACE = "LANGUAGE"  # where the page's language goes
START = b"<head>"


class Head:
    """ASGI middleware: puts `static/head.html` first into the head of the page at "/"."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; hold the page back until it is whole."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        language = language_of(request.cookies, request.headers.get("accept-language", ""))
        head = HEAD.replace(PLACE, language).encode()
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
    """The same request, by a browser that asks for plain bytes."""
    headers = Headers(scope=scope).raw
    return {**scope, "headers": [(name, value) for name, value in headers if name != b"accept-encoding"]}
