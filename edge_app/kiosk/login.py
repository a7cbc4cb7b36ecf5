"""Login for a kiosk on a LAN: a reader's initials and PIN, then a session that ends by itself.

The PINs are those of `edge_app.records.readers`, which locks a reader after failures. Failures are also
counted by address here, so that nobody can try one PIN on all readers.
"""

import secrets
import threading
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from edge_app.errors import KitError
from edge_app.kiosk.language import language_of
from edge_app.kiosk.static_pages import login_page

COOKIE = "cxr_session"
SESSION_S = 12 * 3600
MAX_FAILURES = 10  # of one address within FAILURES_S
FAILURES_S = 300
OPEN_PATHS = frozenset({"/health", "/login"})


class Sessions:
    """Who is logged in, and which addresses failed recently. In memory: a restart logs everyone out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._failures: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def begin(self) -> str:
        """Start a session and return its token."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._ends = {known: end for known, end in self._ends.items() if end > now}
            self._ends[token] = now + SESSION_S
        return token

    def holds(self, token: str) -> bool:
        """Whether a token belongs to a session that has not ended."""
        with self._lock:
            return self._ends.get(token, 0.0) > self._clock()

    def end(self, token: str) -> None:
        """Log out."""
        with self._lock:
            self._ends.pop(token, None)

    def failed(self, address: str) -> None:
        """Count a failure of an address."""
        with self._lock:
            self._failures[address] = [*self._recent(address), self._clock()]

    def is_locked(self, address: str) -> bool:
        """Whether this address failed too often recently."""
        with self._lock:
            return len(self._recent(address)) >= MAX_FAILURES

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - FAILURES_S
        return [moment for moment in self._failures.get(address, []) if moment > since]


class Gate:
    """ASGI middleware: without a session only the login and the health page can be reached."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self.app = app
        self.sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, redirect to the login, or refuse."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self.sessions.holds(_token(scope)):
            await self.app(scope, receive, send)
        elif scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", ""):
            await RedirectResponse("/login", 303)(scope, receive, send)
        else:
            await PlainTextResponse("Log in first.", 401)(scope, receive, send)


def add_login(app: FastAPI, sessions: Sessions, check: Callable[[str, str], str], secure: bool) -> None:
    """Add the login and logout routes.

    Args:
        check: takes initials and PIN, raises a `KitError` when they are wrong.
        secure: the cookie is only sent over TLS.
    """

    @app.get("/login")
    def ask(request: Request) -> HTMLResponse:
        """The login form."""
        return HTMLResponse(login_page(_language(request)))

    @app.post("/login")
    def enter(request: Request, initials: Annotated[str, Form()], pin: Annotated[str, Form()]) -> Response:
        """Start a session, or say what was wrong."""
        address = request.client.host if request.client else ""
        if sessions.is_locked(address):
            return HTMLResponse(login_page(_language(request), "Too many failures: wait five minutes."), 429)
        try:
            check(initials, pin)
        except KitError as error:
            sessions.failed(address)
            return HTMLResponse(login_page(_language(request), str(error)), 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, sessions.begin(), SESSION_S, httponly=True, samesite="strict", secure=secure)
        return answer

    @app.post("/logout")
    def leave(request: Request) -> Response:
        """End the session."""
        sessions.end(request.cookies.get(COOKIE, ""))
        return RedirectResponse("/login", 303)


def _token(scope: Scope) -> str:
    try:
        cookies = SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _language(request: Request) -> str:
    return language_of(request.cookies, request.headers.get("accept-language", ""))
