"""The answer for one film: a decision, or the reason why there is none.

The predictor makes an `Answer`; the reading service, the record, the page and every command pass it on.
`as_json` writes it as JSON for all of them.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edge_app.errors import FilmError, FilmRefused, FilmUnreadable
from edge_app.imaging.formats.base import Film
from edge_app.model.card import FINDING, ModelIdentity
from edge_app.reading.decision import Decision
from edge_app.reading.evidence import EvidencePlace


@dataclass(frozen=True)
class Refusal:
    """Why a film got no score.

    `status` is "error" for a file that could not be decoded, "rejected" for a picture that must not
    be scored; `code` is short and stable; `sentence` tells the reader what is wrong and what to do.
    """

    status: str
    code: str
    sentence: str

    @classmethod
    def of(cls, error: FilmError) -> "Refusal":
        """Make a refusal from an error."""
        return cls(error.status, error.code, error.sentence)

    def to_error(self) -> FilmError:
        """Make an error from this refusal."""
        kind = FilmRefused if self.status == FilmRefused.status else FilmUnreadable
        return kind(self.code, self.sentence)


@dataclass(frozen=True)
class Answer:
    """The answer for one film.

    `film` is present when the file could be decoded, even if it was then refused. `warnings` are codes for
    what makes the decision doubtful. `ms` gives the time of each step. `lung_field` is left, top, right and
    bottom as fractions of the film; None for a model that sees the whole film. `evidence` is float64 (rows,
    columns), 0..1, of the lung field; like `evidence_place` it comes only where the decision is not negative, and
    never from a model that does not show places.
    """

    outcome: Decision | Refusal
    model: ModelIdentity
    runtime: str
    warnings: tuple[str, ...] = ()
    ms: dict[str, float] = field(default_factory=dict)
    film: Film | None = None
    evidence: np.ndarray | None = None
    lung_field: tuple[float, float, float, float] | None = None
    evidence_place: EvidencePlace | None = None
    shows_places: bool = True

    @property
    def refusal(self) -> Refusal | None:
        """Why there is no score; None when there is one."""
        return self.outcome if isinstance(self.outcome, Refusal) else None

    @property
    def decision(self) -> Decision:
        """The decision.

        Raises:
            FilmError: there is none.
        """
        if isinstance(self.outcome, Refusal):
            raise self.outcome.to_error()
        return self.outcome


def as_json(answer: Answer) -> dict[str, Any]:
    """The fields of `predict --json`; a command adds what only it knows, such as the file name."""
    fields = {"model": dataclasses.asdict(answer.model), "runtime": answer.runtime}
    if refusal := answer.refusal:
        return fields | {"status": refusal.status, "reason": {"code": refusal.code, "sentence": refusal.sentence}}
    decided = decision_as_json(answer.decision)
    where: dict[str, Any] = {"lung_field": list(answer.lung_field)} if answer.lung_field else {}
    if answer.evidence_place:
        where["evidence_place"] = dataclasses.asdict(answer.evidence_place)
    if not answer.shows_places:
        where["shows_places"] = False
    return fields | {"status": "ok"} | decided | where | {"warnings": list(answer.warnings), "ms": answer.ms}


def decision_as_json(decision: Decision) -> dict[str, Any]:
    """A decision as it stands in JSON and in the database; `decision_from_json` reads it back.

    P(finding) is called `p_pneumonia` where the finding is pneumonia; the fields of any other
    model name its finding instead.
    """
    fields = dataclasses.asdict(decision)
    finding = fields.pop("finding")
    if finding == FINDING:
        return {"p_pneumonia" if name == "p_finding" else name: value for name, value in fields.items()}
    return fields | {"finding": finding}


def decision_from_json(fields: dict[str, Any]) -> Decision:
    """Read back what `decision_as_json` wrote, in this or an older version.

    Raises:
        TypeError: a field is missing or unknown.
    """
    named = {"p_finding" if name == "p_pneumonia" else name: value for name, value in fields.items()}
    return Decision(**{"finding": FINDING} | named)
