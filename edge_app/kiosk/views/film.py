"""The film in the reading room; `static/film_viewer.js` draws it and takes gestures."""

import json
from html import escape

from edge_app.kiosk.language import direction, say, words
from edge_app.kiosk.views.hand_in import visit_fields
from edge_app.kiosk.views.words import Words, about_child, moment, name_of
from edge_app.records.record import MAX_REGIONS
from edge_app.workflow.case import Case

VIEWER_WORDS = (
    "help", "tools", "contour", "window", "pan", "region", "invert", "compare", "fit", "rotate", "flip", "actual",
    "zoom_in", "zoom_out", "full_screen", "more", "remove", "removed", "region_n", "max_regions", "this_film",
    "earlier_film", "zoomed", "levels", "flipped", "inverted", "no_film", "no_full", "crop",
)  # fmt: skip


def film(
    case: Case | None, seen: int, language: str, hidden: bool = False, earlier: Case | None = None, full: bool = False
) -> str:
    """The film, whose it is, and the contour that a switch draws on it.

    Args:
        seen: the version of its record that an act from here on is about.
        hidden: the reader is asked first, so there is no contour.
        earlier: the child's film before this one.
        full: there is a picture in full resolution.
    """
    w = Words(language)
    if case is None:
        return _empty("nothing_chosen", w)
    if not case.pictures.film_jpeg:
        return _empty("no_picture" if case.answer.refusal else "film_gone", w) + _whose(case, seen, w)
    contour = "[]" if hidden else json.dumps(case.pictures.contour)
    regions = json.dumps(case.review.regions if case.review else ())
    field = ",".join(f"{end:.4f}" for end in case.answer.lung_field or ())
    before = f"picture/{earlier.id}/film" if earlier and earlier.pictures.film_jpeg else ""
    own = words(language)
    viewer_words = {key: own[f"film_{key}"] for key in VIEWER_WORDS}
    viewer_words["film"] = say(language, "film_alt", id=case.visit.label or case.id)
    return (
        f'<div class="film-viewer" data-key="{case.id}" data-film="picture/{case.id}/film" data-field="{field}" '
        f'data-full="{f"picture/{case.id}/full" if full else ""}" data-contour="{contour}" data-earlier="{before}" '
        f'data-regions="{regions}" data-max-regions="{MAX_REGIONS}" data-regions-input="#kiosk-regions" '
        f'dir="ltr" data-words="{escape(json.dumps(viewer_words))}"></div>'
        f"{_whose(case, seen, w)}"
    )


def _empty(why: str, w: Words) -> str:
    return f'<div class="empty" dir="{direction(w.language)}"><p>{w(why)}</p></div>'


def _whose(case: Case, seen: int, w: Words) -> str:
    """Whose film it is, and behind a click the fields to say it; `static/viewer.js` sends them, and what is shown."""
    visit, child = case.visit, about_child(case.visit, w)
    title = f"<b><bdi>{name_of(case, w)}</bdi></b>{f' · {child}' if child else ''} · {moment(case.created_at)}"
    is_known = visit.label and visit.age_years is not None  # nothing depends on the sex
    ask = f'<span class="sr">{w("whose_film")}</span>✎' if is_known else f'<b class="tag">{w("whose_film")}</b>'
    return (
        f'<details class="whose" data-shown="{case.id} {seen}" dir="{direction(w.language)}">'
        f"<summary>{title} {ask}</summary>"
        f'<form class="visit">{visit_fields(w, visit)}<button>{w("save")}</button></form></details>'
    )
