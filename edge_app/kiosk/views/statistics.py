"""What the record says about the site, in four figures, each with its months below."""

from collections.abc import Iterable
from html import escape

from edge_app.kiosk.language import refusal
from edge_app.kiosk.views.words import SYMBOLS, Words
from edge_app.model.card import ModelCard
from edge_app.model.estimate import Estimate, proportion
from edge_app.records import statistics
from edge_app.records.database import Store
from edge_app.records.intake import count_refusals
from edge_app.records.statistics import AS_BEFORE, FIRST_FILMS, LAST_FILMS, TOO_FEW, Agreement, Drift, GeometryDrift

MONTHS = 12  # the latest, with films; older ones are in the export


def site_statistics(store: Store, card: ModelCard, model_sha256: str, language: str) -> str:
    """A section for the records page.

    Args:
        card, model_sha256: of the model in use.
    Raises:
        StoreError: the record cannot be read.
    """
    w, reference = Words(language), card.lung_field_statistics
    lungs = statistics.geometry_drift(store, model_sha256, reference)
    cards = (
        _films(statistics.films_by_month(store)[:MONTHS], w)
        + _refusals(count_refusals(store), w)
        + _agreement(statistics.agreement_by_month(store)[:MONTHS], *statistics.kept_impressions(store), w)
        + _drift(statistics.drift(store, model_sha256, card.operating_point()[1].threshold), lungs, reference, w)
    )
    title = f'<h2 id="site">{w("statistics")}</h2>'
    return f'<section aria-labelledby="site">{title}<div class="figures">{cards}</div></section>'


def _films(months: list[tuple[str, int]], w: Words) -> str:
    return _card(sum(count for _, count in months), w("films_scored"), months)


def _refusals(counts: list[tuple[str, str, int]], w: Words) -> str:
    reasons: dict[str, int] = {}
    for _, code, count in counts:
        reasons[code] = reasons.get(code, 0) + count
    most = sorted(reasons.items(), key=lambda item: -item[1])
    rows = [(escape(refusal(w.language, code, code.replace("_", " "))), count) for code, count in most]
    return _card(sum(reasons.values()), w("films_refused"), rows)


def _agreement(months: list[Agreement], kept: int, asked: int, w: Words) -> str:
    rows = [
        (
            each.month,
            w("verdicts", agree=each.agree, disagree=each.disagree, undecided=each.undecided),
            _share(each.share),
        )
        for each in months
    ]
    if asked:
        rows.append((w("own_impression"), w("kept", kept=kept, asked=asked), _share(proportion(kept, asked))))
    agree, disagree = sum(each.agree for each in months), sum(each.disagree for each in months)
    share = proportion(agree, agree + disagree) if agree + disagree else None
    return _card(_share(share) or "–", w("readers_agree"), rows)


def _drift(found: Drift, lungs: GeometryDrift, reference: dict[str, dict[str, float]], w: Words) -> str:
    says = [w(f"drift_{found.kind}", films=found.films, needed=FIRST_FILMS + LAST_FILMS)]
    rows = []
    if found.kind != TOO_FEW:
        last, first = round(LAST_FILMS * found.last), round(FIRST_FILMS * found.first)
        counts = w("drift_counts", last=last, first=first, of_last=LAST_FILMS, of_first=FIRST_FILMS)
        rows.append((SYMBOLS["pneumonia"], counts))
    if reference:  # older cards hold none
        says.append(w(f"drift_lungs_{lungs.kind}", needed=LAST_FILMS))
    if reference and lungs.kind != TOO_FEW:
        sides = [(w(f"drift_{side}"), getattr(lungs, side), card["mean"]) for side, card in reference.items()]
        rows += [(side, w("drift_shares", here=f"{here:.0%}", there=f"{there:.0%}")) for side, here, there in sides]
    kinds = {found.kind, lungs.kind if reference else found.kind}
    figure = "–" if kinds == {TOO_FEW} else "✓" if kinds <= {AS_BEFORE, TOO_FEW} else "⚠"
    return _card(figure, " ".join(says), rows)


def _card(figure: object, says: str, rows: Iterable[tuple]) -> str:
    """A figure, what it means, and its rows behind a click. All but the figures is escaped already."""
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<details class="figure"><summary><b>{figure}</b><span>{says}</span></summary><table>{lines}</table></details>'
    )


def _share(share: Estimate | None) -> str:
    """Whole percent: a site's months have few films."""
    ends = [round(100 * part) for part in (share.value, share.low, share.high)] if share else []
    return f'<bdi dir="ltr">{ends[0]}% ({ends[1]}–{ends[2]}%)</bdi>' if ends else ""
