"""What a browser says about a film, in the headers of its upload: whose it is, and how it was turned on the screen."""

from collections.abc import Mapping
from urllib.parse import unquote

from edge_app.imaging.turning import Turning
from edge_app.kiosk.bounds import BodyRefused
from edge_app.records.record import MAX_AGE_YEARS, MAX_LABEL, Visit, is_possible


def visit_of(headers: Mapping[str, str]) -> Visit:
    """The visit, from `x-label` (percent-encoded), `x-age-years` and `x-sex`, all of which may be missing.

    Raises:
        BodyRefused: one of them cannot be right.
    """
    label, age = unquote(headers.get("x-label", "")).strip(), headers.get("x-age-years", "")
    try:
        visit = Visit(label, float(age) if age else None, headers.get("x-sex", ""))
        if is_possible(visit):
            return visit
    except ValueError:
        pass
    limits = f"A label has at most {MAX_LABEL} characters, an age is 0 to {MAX_AGE_YEARS} years, and sex is F or M."
    raise BodyRefused(400, "visit", limits)


def turning_of(headers: Mapping[str, str]) -> Turning:
    """How the film is to be turned, from `x-turns` (0 to 3), `x-flip` and `x-invert`, as the film viewer tells it.

    Raises:
        BodyRefused: another number of turns.
    """
    turns = headers.get("x-turns", "") or "0"
    if turns not in ("0", "1", "2", "3"):
        raise BodyRefused(400, "turns", "A film is turned by 0 to 3 quarters.")
    return Turning(int(turns), bool(headers.get("x-flip")), bool(headers.get("x-invert")))
