"""The page's parts as HTML. Everything that goes in is escaped; pictures go in as data, not as files."""

import base64
from html import escape

from edge_app.card import ModelCard
from edge_app.kiosk.language import LANGUAGES, RIGHT_TO_LEFT, say
from edge_app.kiosk.shelf import Slip

SYMBOLS = {"pneumonia": "▲", "uncertain": "◆", "normal": "●", "refused": "✕"}
# Kept in English: codes are for the manual and for support; the sentence beside them is translated.
HINTED = ("bacterial", "viral")


class Words:
    """Escaped words of one language: `w("score")`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """One sentence, its gaps filled, fit for HTML."""
        return escape(say(self.language, key, **values))


def header(card: ModelCard, language: str, not_saved: str = "") -> str:
    """Name, model, language list, and the banners that must never scroll away.

    Args:
        not_saved: why records cannot be written; empty when they can.
    """
    w = Words(language)
    options = "".join(
        f'<option value="{code}"{" selected" if code == language else ""}>{name}</option>'
        for code, name in LANGUAGES.items()
    )
    banners = f'<div class="banner phantom" role="alert">{w("phantom_banner")}</div>' if card.phantom else ""
    if not_saved:
        banners += f'<div class="banner warn" role="alert">{w("not_saved_banner", why=not_saved)}</div>'
    return (
        f'<header dir="{direction(language)}"><div class="brand"><span class="logo" aria-hidden="true"></span>'
        f"<span><strong>{w('app_name')}</strong><small>{w('draft_only')}</small></span></div>"
        f'<div class="meta"><span class="chip" title="{w("model")}">{escape(card.name)} {escape(card.version)}</span>'
        f'<label><span class="sr">{w("language")}</span><select class="language">{options}</select></label></div>'
        f"</header>{banners}"
    )


def picker(language: str) -> str:
    """The drop zone; `static/picker.js` sends the films one by one."""
    w = Words(language)
    reading = w("reading_n", done="{done}", total="{total}")  # the script fills these gaps
    return (
        f'<div class="picker" dir="{direction(language)}" data-reading="{reading}">'
        f'<label class="drop"><input type="file" multiple class="films"><b>{w("choose_films")}</b>'
        f"<small>{w('choose_hint')}</small></label>"
        f'<label class="photo"><input type="file" accept="image/*" capture="environment" class="films">'
        f"{w('take_photo')}</label>"
        f'<div class="progress" role="status" aria-live="polite" hidden><progress max="1" value="0"></progress>'
        f'<span></span><button type="button" class="cancel">{w("cancel")}</button></div></div>'
    )


def slip_list(slips: list[Slip], chosen: str, language: str) -> str:
    """The films that were read in this session, as buttons, the newest first."""
    if not slips:
        return ""
    rows = "".join(_row(slip, chosen, language) for slip in slips)
    title = Words(language)("just_read")
    return f'<section dir="{direction(language)}"><h2>{title}</h2><ul class="list">{rows}</ul></section>'


def viewer(slip: Slip | None, language: str) -> str:
    """The film with its heatmap and the tools to look at it; `static/viewer.js` moves them."""
    w = Words(language)
    if slip is None:
        return (
            f'<div class="empty" dir="{direction(language)}"><span class="logo big" aria-hidden="true"></span>'
            f"<p><b>{w('no_film_yet')}</b></p><p>{w('no_film_steps')}</p><p>{w('offline')}</p></div>"
        )
    if not slip.film_jpeg:
        return f'<div class="empty" dir="{direction(language)}"><p>{w("film_gone")}</p></div>' if slip.answer else ""
    alt = w("film_alt", id=slip.id)
    move = f'<div class="move" style="--aspect:{slip.aspect:.4f}">'
    film = _data_url("image/jpeg", slip.film_jpeg)
    heat = _data_url("image/png", slip.heat_png)
    plain = f'<figure class="pane plain">{move}<img class="film" src="{film}" alt="{alt}"></div></figure>'
    mapped = (
        f'<figure class="pane mapped">{move}<img class="film" src="{film}" alt="{alt}">'
        f'<img class="heat" src="{heat}" alt="{w("heat_legend")}"><div class="mark" hidden></div></div></figure>'
    )
    return (
        f'<div class="viewer" data-id="{slip.id}" data-mode="heat" dir="ltr">{_tools(w)}'
        f'<div class="stage" tabindex="0">{plain}{mapped}</div>{_legend(w)}</div>'
    )


def answer(slip: Slip | None, card: ModelCard, language: str) -> str:
    """Score, decision, threshold, hint, and what the model is for."""
    w = Words(language)
    about = _about(card, w)
    if slip is None:
        return f'<div class="answer" dir="{direction(language)}">{about}</div>'
    body = _refusal(slip, w) if slip.answer is None else _score(slip, card, w)
    return f'<div class="answer" dir="{direction(language)}" data-id="{slip.id}">{body}{about}</div>'


def direction(language: str) -> str:
    """The value of `dir` for a language."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def points(probability: float) -> int:
    """0..1 as the 0 to 100 that the page shows."""
    return round(100 * probability)


def _row(slip: Slip, chosen: str, language: str) -> str:
    w = Words(language)
    kind = slip.answer["decision"] if slip.answer else "refused"
    title = w(f"decision_{kind}") if slip.answer else w("refused")
    score = points(slip.answer["p_pneumonia"]) if slip.answer else "–"
    current = ' aria-current="true"' if slip.id == chosen else ""
    return (
        f'<li><button type="button" class="slip {kind}" data-id="{slip.id}"{current}>'
        f'<span class="mini" aria-hidden="true">{SYMBOLS[kind]}</span><span class="what"><b>{title}</b>'
        f'<small><span class="name" data-id="{slip.id}"></span> {slip.id}</small></span>'
        f'<span class="num">{score}</span></button></li>'
    )


def _score(slip: Slip, card: ModelCard, w: Words) -> str:
    given = slip.answer or {}
    score, threshold = points(given["p_pneumonia"]), points(given["threshold"])
    kind = given["decision"]
    low, high = (points(end) for end in card.uncertainty_band)
    band = low <= threshold <= high
    zone = f'<i class="zone" style="--from:{low};--to:{high}"></i>' if band else ""
    unsaved = "" if slip.saved else f'<span class="tag">{w("not_saved")}</span>'
    between = f" · {w('uncertain_from_to', low=low, high=high)}" if band else ""
    return (
        f'<section class="result {kind}" aria-live="polite"><p class="verdict">'
        f'<span aria-hidden="true">{SYMBOLS[kind]}</span>{w(f"decision_{kind}")}{unsaved}</p>'
        f'<p class="score"><b>{score}</b><span>/ 100</span></p>'
        f'<div class="scale" role="img" aria-label="{w("score_of_100", score=score)}" '
        f'style="--score:{score};--threshold:{threshold}">'
        f'{zone}<i class="tick"></i><i class="needle"></i></div>'
        f"<p class='fine'>{w('threshold_at', threshold=threshold, point=given['operating_point'])}{between}</p>"
        f"<p class='advice'>{w(f'advice_{kind}')}</p></section>"
        f"{_hint(given, w)}<p class='fine'>{w('record_id', id=slip.id)}</p>"
    )


def _hint(given: dict, w: Words) -> str:
    """Bacterial against viral: small, worded as weak, and only where there may be pneumonia."""
    shares = given["probabilities"]
    if given["decision"] == "normal" or not all(label in shares for label in HINTED):
        return ""
    label = max(HINTED, key=lambda name: shares[name])
    percent = points(shares[label] / (sum(shares[name] for name in HINTED) or 1.0))
    return (
        f'<details class="hint"><summary>{w("hint_title")}</summary>'
        f"<p>{w(f'hint_{label}', percent=percent)}</p><p><b>{w('hint_warning')}</b></p></details>"
    )


def _refusal(slip: Slip, w: Words) -> str:
    reason = slip.reason or {}
    return (
        f'<section class="result refused" role="alert"><p class="verdict"><span aria-hidden="true">{SYMBOLS["refused"]}'
        f"</span>{w('refused')}</p><p class='advice'>{escape(reason['sentence'])}</p>"
        f"<p class='fine'>{w('refused_code', code=reason['code'])}</p></section>"
    )


def _about(card: ModelCard, w: Words) -> str:
    """The intended use is the card's own text, in the card's language: a translation could change it."""
    limits = "".join(f"<li>{escape(item)}</li>" for item in card.not_checked)
    return (
        f'<section class="about"><h3>{w("intended_use")}</h3><p dir="ltr">{escape(card.intended_use)}</p>'
        f'<details><summary>{w("not_checked")}</summary><ul dir="ltr">{limits}</ul></details>'
        f"<p class='fine'>{w('model')}: <bdi>{escape(card.name)} {escape(card.version)}</bdi></p></section>"
    )


def _tools(w: Words) -> str:
    modes = "".join(
        f'<button type="button" data-set="{mode}" aria-pressed="false">{w(key)}</button>'
        for mode, key in (("film", "film"), ("heat", "heatmap"), ("both", "side_by_side"))
    )
    sliders = "".join(
        f"<label><span>{w(name)}</span>"
        f'<input type="range" data-slide="{name}" min="{low}" max="{high}" value="{value}"></label>'
        for name, low, high, value in (
            ("opacity", 0, 100, 60),
            ("brightness", 30, 250, 100),
            ("contrast", 30, 300, 100),
        )
    )
    buttons = "".join(
        f'<button type="button" data-do="{name}" title="{w(key)}" aria-label="{w(key)}">{sign}</button>'
        for name, key, sign in (
            ("in", "zoom_in", "+"),
            ("out", "zoom_out", "−"),
            ("invert", "invert", "◐"),
            ("reset", "reset_view", "⟲"),
            ("adjust", "adjust", "☰"),
        )
    )
    return (
        f'<div class="tools"><div class="modes" role="group">{modes}</div>'
        f'<div class="buttons" role="group">{buttons}</div><div class="sliders">{sliders}</div></div>'
    )


def _legend(w: Words) -> str:
    scale = f'{w("heat_less")}<i aria-hidden="true"></i>{w("heat_more")}'
    return f'<p class="legend"><span>{w("heat_legend")}:</span> {scale}</p>'


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
