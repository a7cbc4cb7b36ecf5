"""A draft that a phone saved, or hands to the kiosk: the film, whose it is, and what the phone said of it.

The kiosk reads the film anew, so that every record comes from its own model, and warns where the phone differs.
"""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from edge_app.errors import FilmUnreadable
from edge_app.reading.answer import Answer
from edge_app.records.record import Visit, is_possible
from edge_app.system.files import sha256_of

FILM = re.compile(rb'"film": ?"([A-Za-z0-9+/=]*)"')
MAX_REST_BYTES = 64 * 2**10  # of the file without the film; a phone writes about 2,000
OTHER_MODEL, OTHER_ANSWER = "phone_other_model", "phone_other_answer"


@dataclass(frozen=True)
class PhoneDraft:
    """`film` is the bytes of a file. `decision` is the phone's, "" where it gave no score."""

    film: bytes
    visit: Visit
    model_sha256: str
    decision: str

    def differences(self, answer: Answer) -> tuple[str, ...]:
        """Warnings of how the phone's answer differs from the kiosk's."""
        decision = "" if answer.refusal else answer.decision.decision
        other_model = (OTHER_MODEL,) if self.model_sha256 != answer.model.sha256 else ()
        return (*other_model, OTHER_ANSWER) if self.decision not in ("", decision) else other_model


def read_phone_draft(content: bytes) -> PhoneDraft | None:
    """Take a phone's file apart; None if it is none.

    The film is cut out before anything is parsed, so that no JSON of many megabytes or levels is.

    Raises:
        FilmUnreadable: it is damaged, or holds no film.
    """
    if not (content[:64].lstrip().startswith(b"{") and b'"film_sha256"' in content):
        return None
    found = FILM.search(content)
    start, end = found.span(1) if found else (0, 0)
    rest = content[:start] + content[end:]
    if len(rest) > MAX_REST_BYTES:
        raise _damaged(f"it has {len(rest):,} bytes besides the film, at most {MAX_REST_BYTES:,} are read")
    try:
        fields = json.loads(rest)
        film = base64.b64decode(content[start:end], validate=True)
    except (ValueError, RecursionError) as cause:
        raise _damaged("it is no JSON with a film in base 64") from cause
    if not isinstance(fields, dict) or "film_sha256" not in fields:
        raise _damaged("it is no draft")
    if fields.get("film") != "":
        raise FilmUnreadable(
            "phone_draft_no_film", "The file holds a phone's answer without the film: hand in the film itself."
        )
    if sha256_of(film) != fields["film_sha256"]:
        raise _damaged("its film has not the SHA-256 that it states")
    model = fields.get("model")
    model_sha256, decision = model.get("sha256") if isinstance(model, dict) else None, fields.get("decision", "")
    if not (isinstance(model_sha256, str) and isinstance(decision, str)):
        raise _damaged("its model or its decision is no text")
    return PhoneDraft(film, _visit(fields.get("label", ""), fields.get("age_years")), model_sha256, decision)


def _visit(label: Any, age_years: Any) -> Visit:
    is_age = age_years is None or (isinstance(age_years, int | float) and not isinstance(age_years, bool))
    if not (isinstance(label, str) and is_age and is_possible(visit := Visit(label.strip(), age_years))):
        raise _damaged("its label or its age cannot be right")
    return visit


def _damaged(why: str) -> FilmUnreadable:
    return FilmUnreadable("phone_draft_damaged", f"The file that a phone saved is damaged, {why}: save it again.")
