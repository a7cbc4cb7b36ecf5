"""Tables about models: what the card of the shipped one says, and what the studies found that are committed."""

import functools
import json
from pathlib import Path
from typing import Any

from benchmarks.output.markdown import text_table, with_interval
from benchmarks.studies import network_tables
from benchmarks.studies.rejection import rows_table
from benchmarks.tables import study_tables
from benchmarks.tables.results import COMMITTED
from edge_app.model.bundle import Bundle, read_bundle, shipped_bundle_path

CARD_PAGE = Path("docs/evidence/model-card.md")


@functools.cache
def shipped() -> Bundle:
    """The bundle in `edge_app/models`."""
    return read_bundle(shipped_bundle_path())


def validation() -> str:
    """The int8 file on each evaluation set, at its default threshold."""
    body = [
        [f"{name}, {found['films']:,}", *(with_interval(found[figure]) for figure in network_tables.HEADS)]
        for name, found in shipped().card.metrics["judges"].items()
    ]
    return text_table(["evaluation set, films", *network_tables.HEADS.values()], body)


def parity() -> str:
    """How far the bundle lies from the float model, in each runtime, at the same threshold."""
    head = ["runtime", "decisions changed", "additional pneumonias missed", "AUC gained", "accuracy gained"]
    body = []
    for runtime, found in shipped().card.parity["runtimes"].items():
        before, after = found["float_model"], found["converted"]
        gained = [f"{round(after[name] - before[name], 4) + 0.0:+.4f}" for name in ("auc", "accuracy")]
        flips = f"{found['flips']} of {found['films']}"
        body.append([runtime, flips, str(found["films_missed_more"]), *gained, f"{found['mcnemar_p']:.2f}"])
    return text_table([*head, "McNemar p"], body)


def probe() -> str:
    """What shortcuts alone score on each evaluation set."""
    return study_tables.probe_table(_committed("probe"))


def bundles() -> str:
    """The shipped bundle and that of 0.3.0, on the same films."""
    rows = _committed("bundles")["rows"]
    newest = rows[-1]["model"]["sha256"]
    return _if_shipped(newest, study_tables.bundles_table(rows), "bundles OLD NEW --out bundles.json")


def seeds() -> str:
    """The shipped network over several seeds, on every evaluation set."""
    [row] = (row for row in _committed("networks")["rows"] if row["network"] == network_tables.REFERENCE)
    return network_tables.seeds_table(row)


def whole_film() -> str:
    """The network of 0.3.0, which saw whole films, over several seeds."""
    return network_tables.seeds_table(_committed("whole-film")["rows"][0])


def whole_film_notes() -> str:
    """How that network was trained."""
    return network_tables.comparison_notes(_committed("whole-film"))


def networks(evaluation_set: str) -> str:
    """Every network on one evaluation set."""
    return network_tables.accuracy_table(_committed("networks")["rows"], evaluation_set)


def networks_cost() -> str:
    """Size and time of every network."""
    return network_tables.cost_table(_committed("networks")["rows"])


def networks_notes() -> str:
    """How each of these networks was trained, and why a file was refused."""
    return network_tables.comparison_notes(_committed("networks"))


def paired() -> str:
    """Every network against compact on the same films."""
    return network_tables.paired_table(_committed("networks")["paired"])


def recipes(name: str, part: str) -> str:
    """What each part of the training recipe is worth.

    Args:
        name: the committed result, "recipes" or "recipes-at-length".
        part: "auc" or "classes" for a table, "note" for how to read both.
    """
    found = _committed(name)
    if part == "note":
        return network_tables.recipes_note(found)
    return network_tables.recipes_table(found, {"auc": "auc", "classes": "class_accuracy"}[part])


def rejection() -> str:
    """What the shipped model refuses."""
    found = _committed("rejection")
    return _if_shipped(found["model"]["sha256"], rows_table(found["rows"]), "rejection")


def stability() -> str:
    """How far the shipped model's answer moves between full-size films and their small twins."""
    found = _committed("stability")
    command = "stability BUNDLE --data DIR --out stability.json"
    return _if_shipped(found["model_sha256"], study_tables.stability_table(found), command)


def occlusion() -> str:
    """What the shipped model's answers come from: the chest, or what lies around it."""
    found = _committed("regions")
    return _if_shipped(
        found["model_sha256"], study_tables.occlusion_table(found), "occlusion BUNDLE --out regions.json"
    )


def hospitals() -> str:
    """Drawn hospitals: trained at one and at both, scored at each."""
    names = sorted(path.stem for path in COMMITTED.glob("hospitals*.json"))  # one for each recipe
    return study_tables.hospitals_table([row for name in names for row in _committed(name)["rows"]])


def _committed(name: str) -> dict[str, Any]:
    """The result of a study, as its command wrote it.

    Raises:
        OSError: it is missing.
    """
    result: dict[str, Any] = json.loads((COMMITTED / f"{name}.json").read_text(encoding="utf-8"))
    return result


def _if_shipped(sha256: str, measured: str, command: str) -> str:
    """A table, if it is of the shipped bundle; after another model ships, how to measure it again."""
    if sha256 == shipped().sha256:
        return measured
    return f"Not measured yet for this model: `python -m benchmarks {command}`.\n"
