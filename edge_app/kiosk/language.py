"""The page's texts: one JSON file per language, English where a text is missing.

The browser's language decides, unless a choice made on the page is stored in a cookie.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from edge_app.errors import ActRefused
from edge_app.reading.evidence import EvidencePlace

LOCALES_DIR = Path(__file__).parent / "locales"
LANGUAGES = {
    "en": "English",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "sw": "Kiswahili",
    "hi": "हिन्दी",
    "ar": "العربية",
}
COOKIE = "cxr_language"


@functools.cache
def words(language: str) -> Mapping[str, str]:
    """All texts of a language; English where one is missing.

    Args:
        language: a key of LANGUAGES.
    """
    english: dict[str, str] = json.loads((LOCALES_DIR / "en.json").read_text(encoding="utf-8"))
    own: dict[str, str] = json.loads((LOCALES_DIR / f"{language}.json").read_text(encoding="utf-8"))
    return english | own


def say(language: str, key: str, **values: object) -> str:
    """One sentence, with its {gaps} filled. Plain text: escape it for HTML.

    Raises:
        KeyError: no language has that key.
    """
    return words(language)[key].format(**values)


def said(language: str, error: Exception) -> str:
    """An error in the page's language where it has a sentence for its code, else in English."""
    if isinstance(error, ActRefused) and f"error_{error.code}" in words(language):
        return say(language, f"error_{error.code}", **error.values)
    return str(error)


def place_in_words(language: str, place: EvidencePlace) -> str:
    """Side and third of the lungs, such as "right, lower third"; plain text."""
    parts = [f"side_{place.side}", *([f"third_{place.third}"] if place.third != "all" else [])]
    return ", ".join(say(language, part) for part in parts)


def direction(language: str) -> str:
    """The direction of writing as HTML names it: "ltr" or "rtl"."""
    return words(language)["direction"]


def refusal(language: str, code: str, sentence: str) -> str:
    """Why a film got no score, in the page's language if it has a text for the code, else the error's own sentence."""
    return words(language).get(f"refusal_{code}", sentence)


def language_of(cookies: Mapping[str, str], accept_language: str) -> str:
    """The language for a request: the cookie's, else the browser's first language that the kit has."""
    chosen = cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    for part in accept_language.split(","):
        code = part.split(";")[0].strip().lower().split("-")[0]
        if code in LANGUAGES:
            return code
    return "en"
