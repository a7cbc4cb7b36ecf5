"""Words, times and ages as the pages say them."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from html import escape
from typing import TypeVar

from edge_app.imaging.turning import Turning
from edge_app.kiosk.language import say, words
from edge_app.model.card import ModelCard
from edge_app.reading.decision import score_points
from edge_app.reading.film_checks import age_range
from edge_app.records.record import Record, Review, Visit
from edge_app.workflow.case import Case, OtherChild
from edge_app.workflow.record_search import FoundFilm

LOG = logging.getLogger(__name__)
Row = TypeVar("Row", Case, Record, FoundFilm)
SYMBOLS = {"pneumonia": "▲", "uncertain": "◆", "normal": "●", "refused": "✕", "unread": "?"}


class Words:
    """Escaped words of one language: `w("score")`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """One text with its gaps filled, escaped for HTML."""
        return escape(say(self.language, key, **values))

    def of(self, kind: str, value: str) -> str:
        """What the page says for a value: `w.of("decision", "normal")`. A value that has no word is shown as it is."""
        text = escape(words(self.language).get(f"{kind}_{value}", value))
        if isinstance(value, OtherChild):
            return text.format(kept=_whole_child(value.kept, self), said=_whole_child(value.said, self))
        return text


def options(texts: Mapping[str, str], chosen: str) -> str:
    """The options of a list: their values with what each says, escaped already."""
    return "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{text}</option>'
        for value, text in texts.items()
    )


def kind_of(case: Case, hidden: bool = False) -> str:
    """What a case looks like in a list: a key of SYMBOLS.

    Args:
        hidden: the model's answer must not be shown yet.
    """
    if case.answer.refusal:
        return "refused"
    return "unread" if hidden and not case.review else kind_of_decision(case.answer.decision.decision)


def kind_of_decision(decision: str) -> str:
    """What a decision looks like: a key of SYMBOLS. Of one that has no word, a reader decides."""
    return decision if decision in SYMBOLS else "uncertain"


def each_row(row: Callable[[Row], str], listed: Iterable[Row], w: Words, broken: str) -> str:
    """The rows of a list; one that cannot be shown says so in `broken`, which has gaps for id and words."""
    rows = []
    for item in listed:
        try:
            rows.append(row(item))
        except Exception as error:  # one damaged record must not hide the others
            LOG.info("record %s cannot be shown: %r", item.id, error)
            rows.append(broken.format(id=escape(item.id), why=w("row_damaged")))
    return "".join(rows)


def name_of(case: Case, w: Words) -> str:
    """Whose film it is: the label, else the record's ID. Escaped."""
    return escape(case.visit.label) or w("unnamed", id=case.id)


def about_child(visit: Visit, w: Words) -> str:
    """Age and sex, as far as they are known, such as "2 years, girl". Escaped."""
    parts = [age_in_words(visit.age_years, w)] if visit.age_years is not None else []
    parts += [w(f"sex_{visit.sex}")] if visit.sex else []
    return ", ".join(parts)


def _whole_child(visit: Visit, w: Words) -> str:
    """Label, age and sex, as far as they are known; "?" for nobody. Escaped."""
    label = f"<bdi>{escape(visit.label)}</bdi>" if visit.label else ""
    return ", ".join(filter(None, (label, about_child(visit, w)))) or "?"


def threshold_in_words(threshold: float, point: str, w: Words) -> str:
    """A threshold in points of 100, and what its operating point is called. Escaped."""
    return w("threshold_at", threshold=score_points(threshold), point=words(w.language).get(f"point_{point}", point))


def intended_use(card: ModelCard, w: Words) -> str:
    """What a model is for: the kit's own sentence in the page's language, any other as the card has it. A paragraph."""
    youngest, oldest = age_range(card)
    ages = {"youngest": youngest, "oldest": oldest}
    if card.intended_use == say("en", "card_use", **ages):
        return f'<p class="fine">{w("card_use", **ages)}</p>'
    return f'<p class="fine" dir="ltr" lang="en">{escape(card.intended_use)}</p>'


def changes_in_words(turnings: tuple[Turning, ...], w: Words) -> str:
    """What was done to a film on the screen before it was read; "" for nothing. Escaped."""
    done = []
    for turning in turnings:
        done += [w("film_cropped")] if turning.crop else []
        done += [w("film_flipped")] if turning.flip else []
        done += [f"{90 * turning.turns}°"] if turning.turns else []
        done += [w("film_inverted")] if turning.invert else []
    return f"<p>{w('film_changed', how=', '.join(done))}</p>" if done else ""


def act_in_words(act: Review, at: str, w: Words) -> str:
    """One line of a record's history.

    Args:
        at: the act's time as the page says it.
    """
    said = f": <bdi>{escape(act.visit.label)}</bdi> {about_child(act.visit, w)}" if act.visit else ""
    what = w.of("finding", act.finding) if act.finding else w(act.verdict)
    texts = ((w("comment"), act.comment), (w("reason"), act.reason))
    more = "".join(f" {term}: <q>{escape(text)}</q>" for term, text in texts if text)
    return f"<b>{what}</b>{said} · <bdi>{escape(act.reader)}</bdi> {at}{more}"


def age_in_words(years: float, w: Words) -> str:
    """Completed months below two years, else completed years."""
    return w("age_months", count=int(12 * years)) if years < 2 else w("age_years", count=int(years))


def moment(at: str, now: datetime | None = None) -> str:
    """An ISO 8601 time in UTC, in the machine's time zone: the time of day, and the date unless it is today.

    Args:
        now: the present time; the clock's when left out.
    """
    local = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).astimezone()
    today = (now or datetime.now(timezone.utc)).astimezone()
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M}"
