"""The top of the page: the rooms, the language, and the banners that must always be seen."""

from edge_app.kiosk.language import LANGUAGES, direction
from edge_app.kiosk.views.words import Words, options
from edge_app.model.card import ModelCard

HAND_IN, READ = ROOMS = ("hand_in", "read")


def header(card: ModelCard, language: str, room: str, waiting: int, troubles: dict[str, str]) -> str:
    """Name, rooms, language list and banners.

    Args:
        room: which of ROOMS is shown; style.css shows its parts.
        waiting: drafts that wait for a reader.
        troubles: a banner's key in the locales, and why; empty ones are left out.
    """
    w = Words(language)
    banners = f'<div class="banner phantom" role="alert">{w("phantom_banner")}</div>' if card.phantom else ""
    banners += "".join(
        f'<div class="banner warn" role="alert">{w(key, why=why)}</div>' for key, why in troubles.items() if why
    )
    rooms = "".join(
        f'<button type="button" data-room="{name}"{" aria-current=page" if name == room else ""}>{w(f"room_{name}")}'
        f"{f' · {waiting}' if name == READ and waiting else ''}</button>"
        for name in ROOMS
    )
    return (
        f'<header dir="{direction(language)}" data-shown="{room}"><div class="brand">'
        f'<span class="logo" aria-hidden="true"></span>'
        f"<span><h1>{w('app_name')}</h1><small>{w('draft_only')}</small></span></div>"
        f'<nav aria-label="{w("rooms")}">{rooms}<a class="room" href="record">{w("record")}</a></nav>'
        f'<label class="languages"><span class="sr">{w("language")}</span>'
        f'<select class="language">{options(LANGUAGES, language)}</select></label></header>{banners}'
    )
