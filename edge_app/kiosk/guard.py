"""Checks every request before anything else: its Host, its Origin and its path; adds security headers.

Gradio alone answers any Host (DNS rebinding) and accepts uploads from a foreign Origin. Here a request
is refused before gradio sees it, and every response carries headers that keep the page on this machine.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
# Gradio's page builds its templates with new Function, hence 'unsafe-eval'. connect-src 'self' is
# the rule that matters: the page can connect to this kiosk and nowhere else.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": with it Chromium sends the page's own forms with `Origin: null`, which is refused below.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), payment=(), usb=()",
}
# Films are uploaded through the kiosk's own route, which writes nothing to disk; gradio's routes are closed.
CLOSED_PATHS = ("/gradio_api/upload", "/gradio_api/file", "/gradio_api/proxy", "/gradio_api/stream", "/openapi.json")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware around the whole kiosk."""

    def __init__(self, app: ASGIApp, host_names: Iterable[str] = LOOPBACK_HOSTS, addresses_too: bool = False) -> None:
        """Set the rules.

        Args:
            host_names: the names by which a browser may address the kiosk.
            addresses_too: also accept any numeric address. DNS rebinding needs a name, so these are safe;
                needed on a LAN, where the kiosk does not know its own address.
        """
        self.app = app
        self.host_names = frozenset(name.lower() for name in host_names)
        self.addresses_too = addresses_too

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the security headers added to the response."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # the kiosk has no web sockets: the server closes an unanswered handshake

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            status, sentence = refusal
            await PlainTextResponse(sentence, status)(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 400, "The kiosk is not reached by this name. Open the address that it printed at its start."
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return 403, "Another site's page may not use this kiosk."
        origin = headers.get("origin")
        if origin and scope["method"] not in SAFE_METHODS and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "Another site's page may not use this kiosk."
        if str(scope["path"]).startswith(CLOSED_PATHS):
            return 404, "There is nothing here."
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self.host_names or (self.addresses_too and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
