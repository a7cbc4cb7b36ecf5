"""What the record holds, as values: a draft, whose film it is, a reader's acts, and a film without a score."""

import secrets
from dataclasses import dataclass

from edge_app.imaging.formats.base import SEXES as STATED_SEXES
from edge_app.imaging.turning import Turning
from edge_app.model.card import ModelIdentity
from edge_app.reading.decision import Decision

AGREE, DISAGREE, UNDECIDED = "agree", "disagree", "undecided"
VERDICTS = (AGREE, DISAGREE, UNDECIDED, "unsure")  # readers chose "unsure" up to 0.4.0
WITHDRAWN, DISCARDED, NAMED = "withdrawn", "discarded", "named"
FINDINGS = ("normal", "pneumonia", "bacterial", "viral", "other", "unusable")
SEXES = ("", *STATED_SEXES)  # or nobody said
MAX_LABEL, MAX_TEXT = 40, 500  # characters of a visit's label; of a comment or a reason
MAX_REGIONS = 8  # marked on one film
MAX_AGE_YEARS = 130
ID_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, 1, I and O: read aloud, written by hand
ID_LENGTH = 10  # 50 bits: enough to be unique within one clinic

Region = tuple[float, float, float, float]  # left, top, right, bottom as fractions 0..1 of the film


@dataclass(frozen=True)
class Visit:
    """Whose film it is, as the clinic says it: the number on the form or sticker, age and sex. All may be unknown."""

    label: str = ""
    age_years: float | None = None
    sex: str = ""

    def filled_with(self, said: "Visit") -> "Visit | None":
        """The same, and what was said of what is unknown; None where something else was said of what is known."""
        pairs = ((self.label, said.label), (self.age_years, said.age_years), (self.sex, said.sex))
        if any(known not in ("", None, new) and new not in ("", None) for known, new in pairs):
            return None
        age_years = said.age_years if self.age_years is None else self.age_years
        return Visit(self.label or said.label, age_years, self.sex or said.sex)


NOBODY = Visit()


def is_possible(visit: Visit) -> bool:
    """Whether what somebody entered can be right; a label is checked without spaces around it."""
    is_age = visit.age_years is None or 0 <= visit.age_years <= MAX_AGE_YEARS
    return is_age and len(visit.label) <= MAX_LABEL and visit.label.isprintable() and visit.sex in SEXES


@dataclass(frozen=True)
class Draft:
    """The model's decision on one film, before review. `source` is "page", "phone", "watch" or "dicom".

    `film_sha256` is used only for a keyed fingerprint. `lung_field` is where the model found the lungs;
    `turnings` were done to the film before, the first one first.
    """

    id: str
    film_sha256: str
    decision: Decision
    model: ModelIdentity
    runtime: str
    source: str = "page"
    visit: Visit = NOBODY
    warnings: tuple[str, ...] = ()
    lung_field: Region | None = None
    turnings: tuple[Turning, ...] = ()


@dataclass(frozen=True)
class RefusedFilm:
    """A film that came and got no score. `status`, `code` and `sentence` are those of the refusal."""

    id: str
    film_sha256: str
    status: str
    code: str
    sentence: str
    source: str = "page"
    visit: Visit = NOBODY
    at: str = ""


@dataclass(frozen=True)
class Signature:
    """What a reader signs. `seen` is the `Record.version` that the reader saw; the rest is as in `Review`.

    `visit` corrects whose film it is, together with an amendment.
    """

    record_id: str
    reader: str
    finding: str
    seen: int = 0
    own_impression: str = ""
    regions: tuple[Region, ...] = ()
    comment: str = ""
    reason: str = ""
    visit: Visit | None = None


@dataclass(frozen=True)
class Review:
    """One act on a record: a reader's signature, what undoes one, or that somebody said whose film it is.

    `verdict` is one of VERDICTS for a signature, else WITHDRAWN, DISCARDED or NAMED, which have no finding. NAMED has
    `visit`, and no reader: whoever hands films in need not be one.
    `own_impression` is the finding that the reader named before seeing the model's answer, or "". `reason` says why
    an earlier signature was amended or withdrawn, or the draft discarded. `number` counts all acts of the record
    store; 0 before it is stored.
    """

    record_id: str
    reader: str
    verdict: str
    finding: str = ""
    own_impression: str = ""
    regions: tuple[Region, ...] = ()
    comment: str = ""
    reason: str = ""
    at: str = ""
    number: int = 0
    visit: Visit | None = None


@dataclass(frozen=True)
class Record:
    """A draft with its last act.

    `boot_id` and `uptime_s` are an `edge_app.system.clock.MachineTime`, for devices without a clock.
    """

    id: str
    created_at: str
    source: str
    visit: Visit
    decision: Decision
    warnings: tuple[str, ...]
    model: ModelIdentity
    runtime: str
    last_act: Review | None = None
    boot_id: str = ""
    uptime_s: float | None = None
    lung_field: Region | None = None
    turnings: tuple[Turning, ...] = ()
    visit_number: int = 0  # grows each time that somebody says whose film it is; 0 until then

    @property
    def review(self) -> Review | None:
        """The signature that stands, if one does."""
        return self.last_act if self.last_act and self.last_act.finding else None

    @property
    def version(self) -> int:
        """Grows with each act on the record; 0 for a draft that nobody touched. Who signs says which one they saw."""
        return (self.last_act.number if self.last_act else 0) + self.visit_number

    @property
    def status(self) -> str:
        """Where it stands: "draft", "signed" or "discarded"."""
        if self.review:
            return "signed"
        return DISCARDED if self.last_act and self.last_act.verdict == DISCARDED else "draft"


def new_record_id() -> str:
    """A random ID that reveals nothing about the patient, the file or the order."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def verdict_of(decision: str, finding: str) -> str:
    """Whether a reader's finding agrees with the draft.

    Args:
        decision: "pneumonia", "normal" or "uncertain".
        finding: one of FINDINGS.
    Returns:
        UNDECIDED where the draft is uncertain, or the reader found something else or could not use the film.
    """
    if decision == "uncertain" or finding in ("other", "unusable"):
        return UNDECIDED
    return AGREE if (decision == "normal") == (finding == "normal") else DISAGREE
