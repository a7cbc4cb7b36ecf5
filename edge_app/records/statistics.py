"""What the record says about the site: films, agreement with the model, first impressions, and drift.

Months are those of the times in the record, in UTC. Films that were refused are counted in `intake`.
"""

import json
import math
from dataclasses import dataclass

import numpy as np

from edge_app.model.estimate import Estimate, proportion
from edge_app.reading.decision import is_positive
from edge_app.records.database import SCORED, Store
from edge_app.records.record import AGREE, DISAGREE, UNDECIDED

FIRST_FILMS, LAST_FILMS = 200, 100
DRIFTED_AT = 2.5758  # standard deviations: by chance in 1 of 100 comparisons
GEOMETRY_DRIFTED_AT = 1.0  # standard deviations of a single film; the mean of LAST_FILMS moves by a tenth by chance
LARGER, SMALLER = "larger", "smaller"
AS_BEFORE, MORE, FEWER, TOO_FEW = "as_before", "more", "fewer", "too_few"
# The signatures that stand.
SIGNED = (
    "reviews WHERE finding != '' AND seq = (SELECT MAX(seq) FROM reviews AS later WHERE record_id = reviews.record_id)"
)


@dataclass(frozen=True)
class Agreement:
    """Signatures of a month by verdict. `share` is `agree` of `agree` and `disagree`; None without either."""

    month: str
    agree: int
    disagree: int
    undecided: int
    share: Estimate | None


@dataclass(frozen=True)
class Drift:
    """Whether films are scored as before. `films` have a score of this model; the shares are of positive films, 0..1.

    `kind` is AS_BEFORE, MORE, FEWER, or TOO_FEW while there are not yet FIRST_FILMS + LAST_FILMS.
    """

    kind: str
    films: int
    first: float = 0.0
    last: float = 0.0


@dataclass(frozen=True)
class GeometryDrift:
    """Whether the lungs are as large on the last films as on those of the card: mean shares of the film's sides, 0..1.

    `kind` is AS_BEFORE; LARGER or SMALLER where one of them lies more than GEOMETRY_DRIFTED_AT of the card's spreads
    off the card's mean; or TOO_FEW before there are LAST_FILMS.
    """

    kind: str
    width: float = 0.0
    height: float = 0.0


def films_by_month(store: Store) -> list[tuple[str, int]]:
    """How many films got a score, by month ("2026-11"), the latest first."""
    with store.reading() as db:
        query = f"SELECT substr(created_at, 1, 7), COUNT(*) FROM {SCORED} GROUP BY 1 ORDER BY 1 DESC"
        return [tuple(row) for row in db.execute(query)]


def agreement_by_month(store: Store) -> list[Agreement]:
    """How often readers agreed with the draft, by month of the signature, the latest first."""
    counts: dict[str, dict[str, int]] = {}
    with store.reading() as db:
        query = f"SELECT substr(at, 1, 7), verdict, COUNT(*) FROM {SIGNED} GROUP BY 1, 2 ORDER BY 1 DESC"
        for month, verdict, count in db.execute(query):
            kinds = counts.setdefault(month, dict.fromkeys((AGREE, DISAGREE, UNDECIDED), 0))
            kinds[verdict if verdict in kinds else UNDECIDED] += count  # older versions: "unsure"
    return [_agreement(month, *kinds.values()) for month, kinds in counts.items()]


def kept_impressions(store: Store) -> tuple[int, int]:
    """How many readers who were asked first signed what they had said, and how many were asked.

    Pneumonia, bacterial and viral count as one finding. The first impression on a record counts.
    """
    own = "SELECT own_impression FROM reviews AS asked WHERE record_id = reviews.record_id AND own_impression != ''"
    with store.reading() as db:
        pairs = db.execute(f"SELECT finding, ({own} ORDER BY seq LIMIT 1) FROM {SIGNED}").fetchall()
    asked = [(_group(finding), _group(first)) for finding, first in pairs if first]
    return sum(finding == first for finding, first in asked), len(asked)


def drift(store: Store, model_sha256: str, threshold: float) -> Drift:
    """Compare the last films with the first ones that the site scored with a model.

    Args:
        threshold: on P(pneumonia), 0..1; the one in use is applied to both.
    Source: the z test of two proportions with a pooled variance (Fleiss, Statistical Methods for Rates and
        Proportions), two-sided at 1%.
    """
    query = f"SELECT p_pneumonia FROM {SCORED} WHERE instr(model, ?) > 0 ORDER BY rowid"
    with store.reading() as db:
        scores = np.array([score for (score,) in db.execute(query, (model_sha256,))])
    if len(scores) < FIRST_FILMS + LAST_FILMS:
        return Drift(TOO_FEW, len(scores))
    positive = is_positive(scores, threshold)
    first, last = float(positive[:FIRST_FILMS].mean()), float(positive[-LAST_FILMS:].mean())
    pooled = (FIRST_FILMS * first + LAST_FILMS * last) / (FIRST_FILMS + LAST_FILMS)
    error = math.sqrt(pooled * (1 - pooled) * (1 / FIRST_FILMS + 1 / LAST_FILMS))
    if error == 0 or abs(last - first) / error <= DRIFTED_AT:
        return Drift(AS_BEFORE, len(scores), first, last)
    return Drift(MORE if last > first else FEWER, len(scores), first, last)


def geometry_drift(store: Store, model_sha256: str, reference: dict[str, dict[str, float]]) -> GeometryDrift:
    """Compare the size of the lungs on the site's last films with that on the model's validation films.

    Args:
        reference: `ModelCard.lung_field_statistics`.
    """
    tests = "instr(model, ?) > 0 AND instr(answer, ?) > 0 AND json_valid(answer)"  # a damaged row has no figures
    query = f"SELECT answer FROM {SCORED} WHERE {tests} ORDER BY rowid DESC LIMIT ?"
    with store.reading() as db:
        rows = db.execute(query, (model_sha256, '"lung_field": [', LAST_FILMS)).fetchall()
    if len(rows) < LAST_FILMS:
        return GeometryDrift(TOO_FEW)
    ends = np.array([json.loads(answer)["lung_field"] for (answer,) in rows])
    means = dict(zip(("width", "height"), (ends[:, 2:] - ends[:, :2]).mean(axis=0), strict=True))
    off = [(means[name] - card["mean"]) / max(card["spread"], 1e-9) for name, card in reference.items()]
    furthest = max(off, key=abs, default=0.0)
    if abs(furthest) <= GEOMETRY_DRIFTED_AT:
        return GeometryDrift(AS_BEFORE, **means)
    return GeometryDrift(LARGER if furthest > 0 else SMALLER, **means)


def _agreement(month: str, agree: int, disagree: int, undecided: int) -> Agreement:
    share = proportion(agree, agree + disagree) if agree + disagree else None
    return Agreement(month, agree, disagree, undecided, share)


def _group(finding: str) -> str:
    return "pneumonia" if finding in ("bacterial", "viral") else finding
