"""What a browser says about a film, in headers: whose it is, and how it was turned and cropped on the screen."""

import math
from collections.abc import Mapping
from urllib.parse import unquote

from edge_app.errors import ActRefused
from edge_app.imaging.turning import Turning
from edge_app.records.record import MAX_AGE_YEARS, MAX_LABEL, Visit, is_possible

NO_VISIT = f"A label has at most {MAX_LABEL} characters, an age is 0 to {MAX_AGE_YEARS} years, and sex is F or M."


def visit_of(headers: Mapping[str, str]) -> Visit:
    """The visit, from `x-label` (percent-encoded), `x-age-years` and `x-sex`, all of which may be missing.

    Raises:
        ActRefused: one of them cannot be right.
    """
    age = headers.get("x-age-years", "")
    visit = Visit(unquote(headers.get("x-label", "")).strip(), _number(age) if age else None, headers.get("x-sex", ""))
    if not is_possible(visit):
        raise ActRefused("visit", NO_VISIT)
    return visit


def turnings_of(headers: Mapping[str, str]) -> tuple[Turning, ...]:
    """What is to be done to a film, as the film viewer tells it; empty for nothing.

    From `x-turns` (0 to 3), `x-flip`, `x-invert`, and `x-crop`: "left,top,right,bottom" as fractions of the film.

    Raises:
        ActRefused: another number of turns, or no such part.
    """
    turns, crop = headers.get("x-turns", "") or "0", None
    if turns not in ("0", "1", "2", "3"):
        raise ActRefused("turns", "A film is turned by 0 to 3 quarters.")
    if text := headers.get("x-crop"):
        left, top, right, bottom = (*map(_number, text.split(",")), *[math.nan] * 4)[:4]
        crop = (left, top, right, bottom)
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ActRefused("crop", "A part of a film is left, top, right and bottom, as fractions from 0 to 1.")
    turning = Turning(int(turns), bool(headers.get("x-flip")), bool(headers.get("x-invert")), crop)
    return (turning,) if turning != Turning() else ()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
