"""What a browser says about a film, in the headers of its upload: whose it is, and how it was turned on the screen."""

import math
from collections.abc import Mapping
from urllib.parse import unquote

from edge_app.imaging.turning import Turning
from edge_app.kiosk.bounds import BodyRefused
from edge_app.records.record import MAX_LABEL, SEXES, Visit

MAX_AGE_YEARS = 130


def visit_of(headers: Mapping[str, str]) -> Visit:
    """The visit, from `x-label` (percent-encoded), `x-age-years` and `x-sex`, all of which may be missing.

    Raises:
        BodyRefused: one of them cannot be right.
    """
    label, sex = unquote(headers.get("x-label", "")).strip(), headers.get("x-sex", "")
    age = headers.get("x-age-years", "")
    if len(label) > MAX_LABEL or not label.isprintable() or sex not in SEXES:
        raise BodyRefused(400, "visit", f"A label has at most {MAX_LABEL} characters, and sex is F or M.")
    try:
        years = float(age) if age else None
    except ValueError:
        years = math.nan
    if years is not None and not 0 <= years <= MAX_AGE_YEARS:
        raise BodyRefused(400, "visit", f"An age is 0 to {MAX_AGE_YEARS} years.")
    return Visit(label, years, sex)


def turning_of(headers: Mapping[str, str]) -> Turning:
    """How the film is to be turned, from `x-turns` (0 to 3), `x-flip` and `x-invert`, as the film viewer tells it.

    Raises:
        BodyRefused: another number of turns.
    """
    turns = headers.get("x-turns", "") or "0"
    if turns not in ("0", "1", "2", "3"):
        raise BodyRefused(400, "turns", "A film is turned by 0 to 3 quarters.")
    return Turning(int(turns), bool(headers.get("x-flip")), bool(headers.get("x-invert")))
