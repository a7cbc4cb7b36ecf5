"""Tables about the shipped model: what its card says, and how far its training scatters by seed."""

import json
from pathlib import Path
from typing import Any

from edge_app.model.bundle import read_bundle, shipped_bundle_path
from edge_app.model.card import ModelCard

RESULTS = Path(__file__).parents[1] / "results"
REJECTION = RESULTS / "rejection.json"  # of `benchmarks rejection`
NETWORKS = RESULTS / "networks.json"  # compare.json of `benchmarks networks`
RECIPES = RESULTS / "recipes.json"  # of `benchmarks ablation`, all of them and few epochs
RECIPES_AT_LENGTH = RESULTS / "recipes-at-length.json"  # the same, for as many as the network that ships
PROBE = RESULTS / "probe.json"  # of `benchmarks probe --json`
HOSPITALS = "hospitals*.json"  # of `benchmarks hospitals`, one for each recipe
STABILITY = RESULTS / "stability.json"  # of `benchmarks stability BUNDLE --out`
REGIONS = RESULTS / "regions.json"  # of `benchmarks occlusion BUNDLE --out`
JUDGED = {"auc": "AUC", "accuracy": "accuracy", "recall": "recall", "specificity": "specificity"}
COMPARED = ("auc", "accuracy", "recall", "specificity")


CARD_PAGE = Path("docs/evidence/model-card.md")


def shipped_card_text() -> str:
    """The model card for people, as the shipped bundle holds it."""
    return read_bundle(shipped_bundle_path()).card_text


def shipped_card() -> ModelCard:
    """The card of the bundle in `edge_app/models`."""
    return read_bundle(shipped_bundle_path()).card


def validation(card: ModelCard) -> str:
    """The int8 file on each judge, at its default threshold."""
    lines = [f"| validation films | {' | '.join(JUDGED.values())} | three classes |", "|---|" + "---|" * 5]
    for judge, figures in card.metrics["judges"].items():
        cells = [_with_interval(figures[name]) for name in (*JUDGED, "class_accuracy")]
        lines.append(f"| {judge}, {figures['films']:,} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def operating_points(card: ModelCard) -> str:
    """Every named threshold with what it gave."""
    lines = ["| operating point | threshold | recall | specificity |", "|---|---|---|---|"]
    for name, point in card.operating_points.items():
        shown = f"**{name}** (default)" if name == card.default_operating_point else name
        lines.append(f"| {shown} | {point.threshold:.3f} | {point.recall.percent()} | {point.specificity.percent()} |")
    return "\n".join(lines) + "\n"


def parity(card: ModelCard) -> str:
    """Float against the bundle in each runtime."""
    lines = [
        f"| | {' | '.join(JUDGED.values())} | decisions changed | pneumonias missed more | McNemar p |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for runtime, found in card.parity["runtimes"].items():
        for name, side in (("float, TensorFlow", found["float_model"]), (f"int8, {runtime}", found["converted"])):
            cells = " | ".join(f"{side[figure]:.4f}" for figure in COMPARED)
            changed = f"{found['flips']} of {found['films']} | {found['films_missed_more']} | {found['mcnemar_p']:.2f}"
            row = f"| {name} | {cells} | {changed if name.startswith('int8') else ' | | '} |"
            if row not in lines:
                lines.append(row)
    return "\n".join(lines) + "\n"


def probe(card: ModelCard) -> str:
    """What shortcuts alone score, beside the shipped model."""
    found = json.loads(PROBE.read_text(encoding="utf-8"))
    lines = ["| validation films | AUC of shortcuts alone | AUC of the shipped model |", "|---|---|---|"]
    for judge, auc in found.items():
        lines.append(f"| {judge} | {_with_interval(auc)} | {_with_interval(card.metrics['judges'][judge]['auc'])} |")
    return "\n".join(lines) + "\n"


def networks() -> str:
    """Every network beside compact, from what `benchmarks networks` wrote; a line that says so before it has."""
    return _networks(binary=False)


def binary_networks() -> str:
    """The same networks with two classes, from what `benchmarks networks --binary` wrote."""
    return _networks(binary=True)


def networks_notes() -> str:
    """How each of these networks was trained, and why a file was refused."""
    from benchmarks.studies.network_tables import comparison_notes

    return comparison_notes(_compared())


def _compared() -> dict[str, Any]:
    """compare.json, or one without rows before there is any."""
    found: dict[str, Any] = (
        json.loads(NETWORKS.read_text(encoding="utf-8")) if NETWORKS.exists() else {"rows": [], "paired": []}
    )
    return found


def _networks(binary: bool) -> str:
    from benchmarks.studies.network_tables import comparison_table

    compared = _compared()
    rows = [row for row in compared["rows"] if (len(row["labels"]) == 2) == binary]
    if not rows:
        return f"Not measured yet: `python -m benchmarks networks{' --binary' if binary else ''}`.\n"
    return comparison_table(compared | {"rows": rows} | ({"claims": []} if binary else {}))


def paired() -> str:
    """Every network against compact on the same films, from what `benchmarks networks` wrote."""
    from benchmarks.studies.network_tables import paired_table

    tests = _compared()["paired"]
    return paired_table(tests) if tests else "Not measured yet: `python -m benchmarks networks`.\n"


def recipes() -> str:
    """What each part of the training recipe is worth, from what `benchmarks ablation` wrote; a line before it has."""
    return _recipes(RECIPES)


def recipes_at_length() -> str:
    """The base recipe and the one that ships, at as many epochs as the network that ships."""
    return _recipes(RECIPES_AT_LENGTH)


def _recipes(path: Path) -> str:
    from benchmarks.studies.network_tables import recipes_table

    if not path.exists():
        return "Not measured yet: `python -m benchmarks ablation`.\n"
    return recipes_table(json.loads(path.read_text(encoding="utf-8")))


def rejection() -> str:
    """What the shipped model refuses, or a line that says that this was not counted yet."""
    from benchmarks.studies.rejection import rows_table

    found = _read(REJECTION)
    if found.get("model", {}).get("sha256") != read_bundle(shipped_bundle_path()).sha256:
        return "Not counted yet for this model: `python -m benchmarks rejection`.\n"
    return rows_table(found["rows"])


def stability() -> str:
    """How far the shipped model's answer moves between full-size films and their small twins."""
    bundle = read_bundle(shipped_bundle_path())
    found = _read(STABILITY)
    if found.get("model_sha256") != bundle.sha256:
        return (
            "Not measured yet for this model: "
            f"`python -m benchmarks stability BUNDLE --data DIR --out {STABILITY.name}`.\n"
        )
    share = found["share_changed"]
    changed = f"{found['decisions_changed']} of {found['pairs']} (up to {100 * share['high']:.1f}%)"
    return (
        "| films and twins | median change of P(pneumonia) | 95th percentile | largest | decisions changed |\n"
        "|---|---|---|---|---|\n"
        f"| {found['pairs']} | {_with_interval(found['median_change'])} | {found['p95_change']:.4f} | "
        f"{found['max_change']:.4f} | {changed} |\n"
    )


def regions() -> str:
    """What the shipped model's answers come from: the chest, or what lies around it."""
    from benchmarks.studies.occlusion_table import regions_table

    found = _read(REGIONS)
    if found.get("model_sha256") != read_bundle(shipped_bundle_path()).sha256:
        return f"Not measured yet for this model: `python -m benchmarks occlusion BUNDLE --out {REGIONS.name}`.\n"
    return regions_table(found)


def hospitals() -> str:
    """Drawn hospitals: trained at one and at both, scored at each."""
    from benchmarks.studies.hospitals_table import hospitals_table

    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob(HOSPITALS))]
    return hospitals_table([row for result in results for row in result["rows"]]) + "\n"


def _read(path: Path) -> dict[str, Any]:
    """A committed result; empty before there is one."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _with_interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f})"
