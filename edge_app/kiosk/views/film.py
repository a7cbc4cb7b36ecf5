"""The film in the reading room; `static/film_viewer.js` draws it and takes gestures."""

import json
from html import escape

from edge_app.kiosk.language import direction, say, words
from edge_app.kiosk.views.words import Words, about_child, moment, name_of
from edge_app.workflow.case import Case

VIEWER_WORDS = (
    "help", "tools", "contour", "window", "pan", "region", "invert", "compare", "fit", "rotate", "flip", "actual",
    "zoom_in", "zoom_out", "full_screen", "more", "remove", "removed", "region_n", "this_film", "earlier_film",
    "zoomed", "levels", "flipped", "inverted", "no_film", "no_full",
)  # fmt: skip


def film(case: Case | None, language: str, hidden: bool = False, earlier: Case | None = None) -> str:
    """The film, whose it is, and the contour that a switch draws on it.

    Args:
        hidden: the reader is asked first, so there is no contour.
        earlier: the child's film before this one.
    """
    w = Words(language)
    if case is None:
        return f'<div class="empty" dir="{direction(language)}"><p>{w("nothing_chosen")}</p></div>'
    if not case.pictures.film_jpeg:
        why = "no_picture" if case.answer.refusal else "film_gone"
        return f'<div class="empty" dir="{direction(language)}"><p>{w(why)}</p></div>'
    contour = "[]" if hidden else json.dumps(case.pictures.contour)
    field = ",".join(f"{end:.4f}" for end in case.answer.lung_field or ())
    before = f"picture/{earlier.id}/film" if earlier and earlier.pictures.film_jpeg else ""
    child = about_child(case.visit, w)
    title = f"<b><bdi>{name_of(case, w)}</bdi></b>{f' · {child}' if child else ''} · {moment(case.created_at)}"
    own = words(language)
    viewer_words = {key: own[f"film_{key}"] for key in VIEWER_WORDS}
    viewer_words["film"] = say(language, "film_alt", id=case.visit.label or case.id)
    return (
        f'<div class="film-viewer" data-key="{case.id}" data-film="picture/{case.id}/film" data-field="{field}" '
        f'data-contour="{contour}" data-earlier="{before}" dir="ltr" '
        f'data-words="{escape(json.dumps(viewer_words))}"></div>'
        f'<p class="whose" dir="{direction(language)}">{title}</p>'
    )
