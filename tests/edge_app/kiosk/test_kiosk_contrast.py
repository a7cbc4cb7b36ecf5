"""Text stands out from its background (WCAG 2.2: 4.5 for text, 3 for marks), light and dark."""

import re
from pathlib import Path

import pytest

STYLE = Path(__file__).parents[3] / "edge_app" / "kiosk" / "static" / "style.css"
TEXT, MARK = 4.5, 3.0
KINDS = ("pneumonia", "uncertain", "normal", "refused")
PAIRS = [
    *((ink, ground, TEXT) for ink in ("ink", "soft") for ground in ("paper", "ground")),
    *((ink, f"tint-{kind}", TEXT) for ink in ("ink", "soft") for kind in KINDS),
    *((kind, f"tint-{kind}", MARK) for kind in KINDS),
    *((kind, "paper", MARK) for kind in KINDS),
    ("accent", "paper", TEXT),
    ("accent", "ground", TEXT),
    ("on-accent", "accent", TEXT),
    ("pneumonia", "paper", TEXT),  # what went wrong with a sign-off
    ("soft", "line", TEXT),  # counts
    ("focus", "paper", MARK),
    ("focus", "ground", MARK),
]


def colours(theme: str) -> dict[str, str]:
    """The custom properties of a block; dark ones stand over the light ones."""
    style = STYLE.read_text(encoding="utf-8")
    blocks = [
        re.search(rf"^{re.escape(name)} \{{(.*?)^\}}", style, re.DOTALL | re.MULTILINE) for name in (":root", ".dark")
    ]
    found = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[1])) for block in blocks if block]
    assert len(found) == 2
    return found[0] if theme == "light" else found[0] | found[1]


def luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_letters_and_marks_stand_out(theme):
    known = colours(theme)
    weak = {
        (a, b): round(contrast(known[a], known[b]), 2) for a, b, least in PAIRS if contrast(known[a], known[b]) < least
    }
    assert not weak
