"""What the studies found, as Markdown tables; `benchmarks.studies.network_tables` has those of trained networks."""

from typing import Any

from benchmarks.output.markdown import text_table, with_interval
from benchmarks.studies.network_tables import HEADS
from edge_app.model.estimate import Estimate

OF_BUNDLES = {name: head for name, head in HEADS.items() if name != "accuracy"}


def bundles_table(rows: list[dict[str, Any]]) -> str:
    """One line per bundle and evaluation set."""
    body = []
    for row in rows:
        bundle = f"{row['model']['version']} ({row['preprocessing']})"
        for name, found in row["judges"].items():
            body.append([bundle, name, *(with_interval(found[figure]) for figure in OF_BUNDLES)])
    return text_table(["bundle", "evaluation set", *OF_BUNDLES.values()], body)


def hospitals_table(rows: list[dict[str, Any]]) -> str:
    """The AUC at each hospital, one line per network."""
    sites = list(rows[0]["at"])
    body = [
        [
            row["trained_on"].upper().replace(" AND ", " and "),
            row["recipe"],
            *(with_interval(row["at"][site], digits=3) for site in sites),
        ]
        for row in rows
    ]
    return text_table(["trained at", "recipe", *(f"AUC at {site.upper()}" for site in sites)], body)


def occlusion_table(found: dict[str, Any]) -> str:
    """One line per view, then where the class map finds pneumonia."""
    body = [
        [name, with_interval(view["auc"]), Estimate(**view["share_changed"]).percent()]
        for name, view in found["views"].items()
    ]
    return text_table(["validation films", "AUC", "decisions changed"], body) + (
        f"\nThe frame is {100 * found['frame_area']:.1f}% of the class map and holds "
        f"{Estimate(**found['frame_evidence']).percent()} of its evidence for pneumonia: "
        f"the median over those of {found['films']} films that are called pneumonia.\n"
    )


def probe_table(found: dict[str, Any]) -> str:
    """The AUC of each view, one line per evaluation set."""
    body = [[name, *(with_interval(sets[name]) for sets in found.values())] for name in next(iter(found.values()))]
    return text_table(["evaluation set", *(f"AUC of the {view} alone" for view in found)], body)


def stability_table(found: dict[str, Any]) -> str:
    """How far P(pneumonia) moves, in one line."""
    row = [str(found["pairs"]), with_interval(found["median_change"])]
    row += [f"{found['p95_change']:.4f}", f"{found['max_change']:.4f}"]
    row += [f"{found['decisions_changed']} of {found['pairs']} (up to {100 * found['share_changed']['high']:.1f}%)"]
    head = ["films and twins", "median change of P(pneumonia)", "95th percentile", "largest", "decisions changed"]
    return text_table(head, [row])
