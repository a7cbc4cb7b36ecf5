"""Tables in README.md and docs, filled from committed results so that no figure is typed by hand.

Pages mark where a table goes. `docs/evidence/model-card.md` as a whole is the shipped bundle's own card.

<!-- table:NAME -->
... is replaced ...
<!-- /table -->
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.device import BENCHMARKS, bulk, coldstart, latency
from benchmarks.device.reduced_scale import reduced_scale_words
from benchmarks.output.markdown import goals_table, machine_line
from benchmarks.tables import device_tables, model_tables
from edge_app.errors import DataError

MARKED = re.compile(r"(?P<start><!-- table:(?P<name>[a-z-]+) -->\n)(?P<body>.*?)(?P<end><!-- /table -->)", re.DOTALL)
Results = dict[str, dict[str, Any]]
EVALUATION_SETS = ("random", "shortcut-swapped", "reframed", "shortcut-free")
RECIPES = ("recipes", "recipes-at-length")  # results of `benchmarks ablation`, at few epochs and at full length
RECIPE_PARTS = ("auc", "classes", "note")


def marked_files(root: Path) -> list[Path]:
    """README.md and the pages in docs that hold a marked table."""
    files = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return [file for file in files if file.exists() and MARKED.search(file.read_text(encoding="utf-8"))]


def fill(text: str, results: Results) -> str:
    """Replace every marked table; the same text and results give the same text.

    Raises:
        DataError: a table has an unknown name, or its result is not there.
    """
    return MARKED.sub(lambda match: match["start"] + table_named(match["name"], results) + match["end"], text)


def table_named(name: str, results: Results) -> str:
    """One table, by its name in the marker; a line that says so where nothing was measured yet.

    Raises:
        DataError: there is no such table.
    """
    if name not in TABLES:
        raise DataError(f"there is no table {name!r}; there are {', '.join(TABLES)}")
    try:
        return TABLES[name](results)
    except KeyError as cause:
        if cause.args[0] not in BENCHMARKS:
            raise
        return f"Not measured yet: `python -m benchmarks {cause.args[0]}`.\n"


def _goals(results: Results) -> str:
    return goals_table([goal for result in results.values() for goal in result.get("goals", [])])


def _machine(results: Results) -> str:
    return f"{machine_line(results['latency'])}. Version {results['latency']['kit_version']} of kit and model.\n"


def _kiosk_start(results: Results) -> str:
    row = results["kiosk"]["rows"][0]
    return f"The kiosk answered its health check {row['ready_s']} s after its start.\n"


def _rows(command: str, shown: Callable[[device_tables.Rows], str]) -> Callable[[Results], str]:
    """A table made of the rows of one command's result."""
    return lambda results: shown(results[command]["rows"])


def _study(shown: Callable[..., str], *arguments: Any) -> Callable[[Results], str]:
    """A table made of the shipped card or of the committed result of a study."""
    return lambda _: shown(*arguments)


TABLES: dict[str, Callable[[Results], str]] = {
    "validation": _study(model_tables.validation),
    "parity": _study(model_tables.parity),
    "probe": _study(model_tables.probe),
    "bundles": _study(model_tables.bundles),
    "seeds": _study(model_tables.seeds),
    **{f"networks-{name}": _study(model_tables.networks, name) for name in EVALUATION_SETS},
    "whole-film": _study(model_tables.whole_film),
    "whole-film-notes": _study(model_tables.whole_film_notes),
    "networks-cost": _study(model_tables.networks_cost),
    "networks-notes": _study(model_tables.networks_notes),
    "paired": _study(model_tables.paired),
    "rejection": _study(model_tables.rejection),
    **{f"{length}-{part}": _study(model_tables.recipes, length, part) for length in RECIPES for part in RECIPE_PARTS},
    "stability": _study(model_tables.stability),
    "occlusion": _study(model_tables.occlusion),
    "hospitals": _study(model_tables.hospitals),
    "goals": _goals,
    "machine": _machine,
    "latency": _rows("latency", device_tables.latency),
    "latency-start": _rows("latency", device_tables.latency_start),
    "latency-delegated": _rows("latency", device_tables.latency_delegated),
    "latency-ratios": lambda results: latency.ratios_table(results["latency"]["ratios"]),
    "compare": _rows("compare", device_tables.compare),
    "compare-size": _rows("compare", device_tables.compare_size),
    "pipeline": _rows("pipeline", device_tables.pipeline),
    "pipeline-steps": _rows("pipeline", device_tables.pipeline_steps),
    "coldstart": _rows("coldstart", coldstart.rows_table),
    "roofline": _rows("roofline", device_tables.roofline),
    "kiosk": _rows("kiosk", device_tables.kiosk),
    "kiosk-memory": _rows("kiosk", device_tables.kiosk_memory),
    "kiosk-start": _kiosk_start,
    "reduced-scale": lambda results: reduced_scale_words(results["pipeline"]).lstrip(),
    "bulk": _rows("bulk", device_tables.bulk),
    "bulk-plan": lambda results: bulk.plan_table(results["bulk"]),
}
