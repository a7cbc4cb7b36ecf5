"""What stands around each page that needs no script: the head, the rooms, and the fields for initials and PIN."""

import functools
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from html import escape
from pathlib import Path

from edge_app.kiosk.language import direction
from edge_app.kiosk.views.header import READ, ROOMS
from edge_app.kiosk.views.words import Words

STATIC = Path(__file__).parents[1] / "static"
DARK = re.compile(r"^\.dark (\{.*?^\})", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Frame:
    """What every page says around its content."""

    language: str
    clinic: str = ""  # the clinic's name; "" until somebody set it
    waiting: int = 0  # drafts that wait for a reader
    phantom: bool = False  # the model was trained on drawings
    logged_in: bool = False  # offer to log out
    base: str = ""  # from the page's address to the kiosk's: "../" for one in a folder


def document(title: str, body: str, frame: Frame, with_rooms: bool = True) -> str:
    """A whole page in light and dark.

    Args:
        title, body: escaped already; the body holds the page's h1.
        with_rooms: also the way to the other pages.
    """
    w = Words(frame.language)
    banner = f'<div class="banner phantom" role="alert">{w("phantom_banner")}</div>' if frame.phantom else ""
    return (
        f'<!doctype html><html lang="{frame.language}" dir="{direction(frame.language)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{_style()}</style></head><body>{_rooms(frame, w) if with_rooms else ''}{banner}"
        f"<main>{body}</main></body></html>"
    )


def who(w: Words, complete: str = "off", prefix: str = "") -> str:
    """The two fields for initials and PIN.

    Args:
        complete: what a browser may fill in as the PIN.
    """
    return (
        f'<label>{w("initials")}<input name="{prefix}initials" required maxlength="8" autocomplete="off"></label>'
        f'<label>{w("pin")}<input name="{prefix}pin" type="password" inputmode="numeric" required maxlength="12" '
        f'autocomplete="{complete}"></label>'
    )


def alert(sentence: str, is_good: bool = False) -> str:
    """What came of the last form; empty if there is nothing to say."""
    kind, role = ("done", "status") if is_good else ("alert", "alert")
    return f'<p class="{kind}" role="{role}">{escape(sentence)}</p>' if sentence else ""


def definitions(*pairs: tuple[str, str]) -> str:
    """A list of terms and what they are, both escaped already; a pair without content is left out."""
    rows = "".join(f"<dt>{term}</dt><dd>{content}</dd>" for term, content in pairs if content)
    return f"<dl>{rows}</dl>" if rows else ""


def full_moment(at: str = "") -> str:
    """An ISO 8601 time in UTC, or now: date, time of day and zone of this machine."""
    utc = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ") if at else datetime.now(timezone.utc)
    local = utc.replace(tzinfo=timezone.utc).astimezone()
    return f'<bdi dir="ltr">{local:%Y-%m-%d %H:%M} UTC{local:%z}</bdi>'


def _rooms(frame: Frame, w: Words) -> str:
    rooms = "".join(
        f'<a href="{frame.base or "./"}#{room}">{w(f"room_{room}")}'
        f"{f' · {frame.waiting}' if room == READ and frame.waiting else ''}</a>"
        for room in ROOMS
    )
    leave = f'<form method="post" action="{frame.base}logout"><button>{w("log_out")}</button></form>'
    return (
        f'<header class="noprint"><div class="brand"><span class="logo" aria-hidden="true"></span><span>'
        f"<b>{w('app_name')}</b><small>{escape(frame.clinic)}</small></span></div>"
        f'<nav aria-label="{w("rooms")}">{rooms}<a href="{frame.base}record" aria-current="page">{w("record")}</a>'
        f"</nav>{leave if frame.logged_in else ''}</header>"
    )


@functools.cache
def _style() -> str:
    """The style of the page itself, so that all look alike; without gradio, the browser says whether it is dark."""
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    dark = DARK.search(style)
    own = (STATIC / "pages.css").read_text(encoding="utf-8")
    return f"{style}\n@media screen and (prefers-color-scheme: dark) {{ :root {dark[1] if dark else ''} }}\n{own}"
