"""A draft that a phone saved, or hands to the kiosk: the film, whose it is, and what the phone said of it.

The kiosk reads the film anew, so that every record comes from its own model, and warns where the phone differs.
"""

import base64
import json
import re
from dataclasses import dataclass

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
        other_model = (OTHER_MODEL,) * (self.model_sha256 != answer.model.sha256)
        return other_model + (OTHER_ANSWER,) * (self.decision not in ("", decision))


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
    try:
        fields = json.loads(rest if len(rest) <= MAX_REST_BYTES else b"")
        if fields.get("film") != "":
            raise FilmUnreadable(
                "phone_draft_no_film", "The file holds a phone's answer without the film: hand in the film itself."
            )
        film, age = base64.b64decode(content[start:end], validate=True), fields.get("age_years")
        visit = Visit(fields.get("label", "").strip(), age)
        model_sha256, decision = fields["model"]["sha256"], fields.get("decision", "")
        are_texts = isinstance(model_sha256, str) and isinstance(decision, str)
        if are_texts and not isinstance(age, bool) and is_possible(visit) and sha256_of(film) == fields["film_sha256"]:
            return PhoneDraft(film, visit, model_sha256, decision)
        raise ValueError("a field is not what a phone writes")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as cause:
        sentence = "The file that a phone saved is damaged or was changed: save it again."
        raise FilmUnreadable("phone_draft_damaged", sentence) from cause
