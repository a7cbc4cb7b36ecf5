"""The page's words: one JSON file a language, English where a word is missing.

The browser's language decides; a choice made in the page's own list is kept in a cookie and wins.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

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
RIGHT_TO_LEFT = frozenset({"ar"})
COOKIE = "cxr_language"


@functools.cache
def words(language: str) -> Mapping[str, str]:
    """All words of a language; English ones where it lacks any.

    Args:
        language: a key of LANGUAGES.
    """
    english: dict[str, str] = json.loads((LOCALES_DIR / "en.json").read_text(encoding="utf-8"))
    own: dict[str, str] = json.loads((LOCALES_DIR / f"{language}.json").read_text(encoding="utf-8"))
    return english | own


def say(language: str, key: str, **values: object) -> str:
    """One sentence, its {gaps} filled. Plain text: escape it for HTML.

    Raises:
        KeyError: no language has that key.
    """
    return words(language)[key].format(**values)


def refusal(language: str, code: str, sentence: str) -> str:
    """Why a film got no score, in the page's language where it has that code, else as the error said it."""
    return words(language).get(f"refusal_{code}", sentence)


def language_of(cookies: Mapping[str, str], accept_language: str) -> str:
    """The language for a request: the cookie's, else the first one of the browser's that the kit has."""
    chosen = cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    for part in accept_language.split(","):
        code = part.split(";")[0].strip().lower().split("-")[0]
        if code in LANGUAGES:
            return code
    return "en"
