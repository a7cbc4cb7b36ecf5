"""Tables about models: what the card of the shipped one says, and what the studies of networks and recipes found."""

import json
from pathlib import Path
from typing import Any

from edge_app.model.bundle import read_bundle, shipped_bundle_path
from edge_app.model.card import ModelCard

RESULTS = Path(__file__).parents[1] / "results"
REJECTION = RESULTS / "rejection.json"  # of `benchmarks rejection`
NETWORKS = RESULTS / "networks.json"  # compare.json of `benchmarks networks`
BUNDLES = RESULTS / "bundles.json"  # of `benchmarks bundles OLD SHIPPED --out`
SEEDS = RESULTS / "lung-field.json"  # compare.json of `benchmarks networks`, on films cropped to the lungs
PROBE = RESULTS / "probe.json"  # of `benchmarks probe --json`
HOSPITALS = "hospitals*.json"  # of `benchmarks hospitals`, one for each recipe
STABILITY = RESULTS / "stability.json"  # of `benchmarks stability BUNDLE --out`
REGIONS = RESULTS / "regions.json"  # of `benchmarks occlusion BUNDLE --out`
SHOWN = {"auc": "AUC", "accuracy": "accuracy", "recall": "recall", "specificity": "specificity"}

CARD_PAGE = Path("docs/evidence/model-card.md")
NO_NETWORKS = "Not measured yet: `python -m benchmarks networks`.\n"


def shipped_card_text() -> str:
    """The model card text, as the shipped bundle holds it."""
    return read_bundle(shipped_bundle_path()).card_text


def shipped_card() -> ModelCard:
    """The card of the bundle in `edge_app/models`."""
    return read_bundle(shipped_bundle_path()).card


def validation(card: ModelCard) -> str:
    """The int8 file on each evaluation set, at its default threshold."""
    lines = [f"| evaluation set, films | {' | '.join(SHOWN.values())} | three classes |", "|---|" + "---|" * 5]
    for name, figures in card.metrics["judges"].items():
        cells = [_with_interval(figures[figure]) for figure in (*SHOWN, "class_accuracy")]
        lines.append(f"| {name}, {figures['films']:,} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def parity(card: ModelCard) -> str:
    """How far the bundle lies from the float model, in each runtime, at the same threshold."""
    lines = [
        "| runtime | decisions changed | additional pneumonias missed | AUC gained | accuracy gained | McNemar p |",
        "|---|---|---|---|---|---|",
    ]
    for runtime, found in card.parity["runtimes"].items():
        before, after = found["float_model"], found["converted"]
        gained = " | ".join(f"{round(after[name] - before[name], 4) + 0.0:+.4f}" for name in ("auc", "accuracy"))
        counts = f"{found['flips']} of {found['films']} | {found['films_missed_more']}"
        lines.append(f"| {runtime} | {counts} | {gained} | {found['mcnemar_p']:.2f} |")
    return "\n".join(lines) + "\n"


def probe() -> str:
    """What shortcuts alone score on each evaluation set."""
    found = json.loads(PROBE.read_text(encoding="utf-8"))
    lines = [
        f"| evaluation set | {' | '.join(f'AUC of the {view} alone' for view in found)} |",
        "|---" * (len(found) + 1) + "|",
    ]
    for name in next(iter(found.values())):
        lines.append(f"| {name} | {' | '.join(_with_interval(sets[name]) for sets in found.values())} |")
    return "\n".join(lines) + "\n"


def bundles() -> str:
    """The shipped bundle and that of 0.3.0, on the same films."""
    from benchmarks.tables.bundles_table import bundles_table

    found = _read(BUNDLES)
    if found.get("rows", [{}])[-1].get("model", {}).get("sha256") != read_bundle(shipped_bundle_path()).sha256:
        return f"Not measured yet for this model: `python -m benchmarks bundles OLD NEW --out {BUNDLES.name}`.\n"
    return bundles_table(found["rows"])


def seeds() -> str:
    """The shipped network over several seeds, on every evaluation set."""
    from benchmarks.studies.network_tables import seeds_table

    found = _read(SEEDS)
    return seeds_table(found["rows"][0]) if found else NO_NETWORKS


def networks(evaluation_set: str) -> str:
    """Every network with three classes on one evaluation set; a line that says so before `networks` has run."""
    return _accuracy(evaluation_set, binary=False)


def binary_networks(evaluation_set: str) -> str:
    """The same networks with two classes, from what `benchmarks networks --binary` wrote."""
    return _accuracy(evaluation_set, binary=True)


def networks_cost() -> str:
    """Size and time of every network."""
    from benchmarks.studies.network_tables import cost_table

    rows = _compared()["rows"]
    return cost_table(rows) if rows else NO_NETWORKS


def networks_notes() -> str:
    """How each of these networks was trained, and why a file was refused."""
    from benchmarks.studies.network_tables import comparison_notes

    compared = _compared()
    return comparison_notes(compared) if compared["rows"] else NO_NETWORKS


def networks_claims() -> str:
    """What the systems before this kit reported about themselves."""
    from benchmarks.studies.network_tables import CLAIMS, claims_table

    return claims_table(list(CLAIMS))


def _compared() -> dict[str, Any]:
    """compare.json, or one without rows before there is any."""
    found: dict[str, Any] = (
        json.loads(NETWORKS.read_text(encoding="utf-8")) if NETWORKS.exists() else {"rows": [], "paired": []}
    )
    return found


def _accuracy(evaluation_set: str, binary: bool) -> str:
    from benchmarks.studies.network_tables import accuracy_table

    rows = [row for row in _compared()["rows"] if (len(row["labels"]) == 2) == binary]
    return accuracy_table(rows, evaluation_set) if rows else NO_NETWORKS


def paired() -> str:
    """Every network against compact on the same films, from what `benchmarks networks` wrote."""
    from benchmarks.studies.network_tables import paired_table

    tests = _compared()["paired"]
    return paired_table(tests) if tests else NO_NETWORKS


def recipes(name: str, part: str) -> str:
    """What each part of the training recipe is worth, from what `benchmarks ablation` wrote; a line before it has.

    Args:
        name: the committed result, "recipes" or "recipes-at-length".
        part: "auc" or "classes" for a table, "note" for how to read both.
    """
    from benchmarks.studies.network_tables import recipes_note, recipes_table

    found = _read(RESULTS / f"{name}.json")
    if not found:
        return "Not measured yet: `python -m benchmarks ablation`.\n"
    if part == "note":
        return recipes_note(found)
    return recipes_table(found, {"auc": "auc", "classes": "class_accuracy"}[part])


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


def occlusion() -> str:
    """What the shipped model's answers come from: the chest, or what lies around it."""
    from benchmarks.tables.occlusion_table import occlusion_table

    found = _read(REGIONS)
    if found.get("model_sha256") != read_bundle(shipped_bundle_path()).sha256:
        return f"Not measured yet for this model: `python -m benchmarks occlusion BUNDLE --out {REGIONS.name}`.\n"
    return occlusion_table(found)


def hospitals() -> str:
    """Drawn hospitals: trained at one and at both, scored at each."""
    from benchmarks.tables.hospitals_table import hospitals_table

    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob(HOSPITALS))]
    return hospitals_table([row for result in results for row in result["rows"]]) + "\n"


def _read(path: Path) -> dict[str, Any]:
    """A committed result; empty before there is one."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _with_interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f})"
