"""Login for a kiosk on a LAN: a reader's initials and PIN, then a session that ends by itself.

The PINs are those of `edge_app.records.readers`, which locks a reader's login after failures, and never the
signing. Attempts are also counted by address here, so that nobody can try one PIN on all readers.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from edge_app.errors import KitError, StoreError
from edge_app.kiosk.language import language_of, said, say
from edge_app.kiosk.views.document import Frame, alert, document, who
from edge_app.kiosk.views.words import Words
from edge_app.records.readers import Reader

COOKIE = "cxr_session"
SESSION_S = 12 * 3600
MAX_FAILURES = 10  # of one address within FAILURES_S
FAILURES_S = 300
OPEN_PATHS = frozenset({"/health", "/login"})
TO_PHONE = "?to=phone"  # who scanned the code of the page for a phone goes on to it


@dataclass(frozen=True)
class Session:
    """Who is logged in and until when; `credential` is that of the PIN which was entered."""

    initials: str
    credential: str
    ends_s: float


class Sessions:
    """Who is logged in, and which addresses failed recently. In memory: a restart logs everyone out."""

    def __init__(self, credential: Callable[[str], str], clock: Callable[[], float] = time.monotonic) -> None:
        """Set the rules.

        Args:
            credential: of somebody's initials; a session ends when it changes.
        """
        self._credential = credential
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._attempts: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def begin(self, initials: str) -> str:
        """Start a session and return its token."""
        token, credential = secrets.token_urlsafe(32), self._credential(initials)
        with self._lock:
            now = self._clock()
            self._sessions = {known: each for known, each in self._sessions.items() if each.ends_s > now}
            self._sessions[token] = Session(initials, credential, now + SESSION_S)
        return token

    def holds(self, token: str) -> bool:
        """Whether a token belongs to a session that has not ended, of somebody who still has the same PIN."""
        with self._lock:
            session = self._sessions.get(token)
        if session is None or session.ends_s <= self._clock():
            return False
        try:
            return self._credential(session.initials) == session.credential
        except StoreError:
            return True  # a disk that fails locks nobody out

    def end(self, token: str) -> None:
        """Log out."""
        with self._lock:
            self._sessions.pop(token, None)

    def may_try(self, address: str) -> bool:
        """Count an attempt of an address as a failure, before it is checked; False if there were too many."""
        with self._lock:
            since = self._clock() - FAILURES_S
            recent = {each: [at for at in times if at > since] for each, times in self._attempts.items()}
            self._attempts = {each: times for each, times in recent.items() if times}
            attempts = self._attempts.setdefault(address, [])
            if len(attempts) >= MAX_FAILURES:
                return False
            attempts.append(self._clock())
            return True

    def succeeded(self, address: str) -> None:
        """Take the last attempt of an address back: it was no failure."""
        with self._lock:
            if self._attempts.get(address):
                self._attempts[address].pop()


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
            to = TO_PHONE if str(scope["path"]).startswith("/phone/") else ""
            await RedirectResponse(f"/login{to}", 303)(scope, receive, send)
        else:
            await PlainTextResponse("Log in first.", 401)(scope, receive, send)


def add_login(app: FastAPI, sessions: Sessions, check: Callable[[str, str, str], Reader], secure: bool) -> None:
    """Add the login and logout routes.

    Args:
        check: takes initials, PIN and the client's address, raises a `KitError` when they are wrong.
        secure: the cookie is only sent over TLS.
    """

    @app.get("/login")
    def ask(request: Request) -> HTMLResponse:
        """The login form."""
        return HTMLResponse(_page(request))

    @app.post("/login")
    def enter(request: Request, initials: Annotated[str, Form()], pin: Annotated[str, Form()]) -> Response:
        """Start a session, or say what was wrong."""
        address = request.client.host if request.client else ""
        if not sessions.may_try(address):
            return HTMLResponse(_page(request, say(_language(request), "too_many_failures")), 429)
        try:
            reader = check(initials, pin, address)
        except KitError as error:
            return HTMLResponse(_page(request, said(_language(request), error)), 401)
        sessions.succeeded(address)
        answer = RedirectResponse("/phone/" if _to(request) else "/", 303)
        answer.set_cookie(
            COOKIE, sessions.begin(reader.initials), SESSION_S, httponly=True, samesite="strict", secure=secure
        )
        return answer

    @app.post("/logout")
    def leave(request: Request) -> Response:
        """End the session."""
        sessions.end(request.cookies.get(COOKIE, ""))
        return RedirectResponse("/login", 303)


def _page(request: Request, problem: str = "") -> str:
    """The login form; `problem` is the error of the last attempt."""
    w = Words(_language(request))
    fields = f"{who(w, 'current-password')}<button>{w('log_in')}</button>"
    form = f'<form method="post" action="login{_to(request)}">{fields}</form>'
    body = f"<h1>{w('app_name')}</h1>{alert(problem)}{form}"
    return document(w("log_in"), body, Frame(w.language), with_rooms=False)


def _to(request: Request) -> str:
    return TO_PHONE if request.query_params.get("to") == "phone" else ""


def _token(scope: Scope) -> str:
    try:
        cookies = SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _language(request: Request) -> str:
    return language_of(request.cookies, request.headers.get("accept-language", ""))
