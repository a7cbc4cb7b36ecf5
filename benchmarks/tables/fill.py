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

MARKED = re.compile(r"(?P<start><!-- table:(?P<name>[a-z-]+) -->\n)(?P<body>.*?)(?P<end><!-- /table -->)", re.DOTALL)
Results = dict[str, dict[str, Any]]
EVALUATION_SETS = ("random", "shortcut-swapped", "shortcut-free")  # of the networks of 0.3.0
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
    from benchmarks.device import BENCHMARKS
    from edge_app.errors import DataError

    if name not in TABLES:
        raise DataError(f"there is no table {name!r}; there are {', '.join(TABLES)}")
    try:
        return TABLES[name](results)
    except KeyError as cause:
        if cause.args[0] not in BENCHMARKS:
            raise
        return f"Not measured yet: `python -m benchmarks {cause.args[0]}`.\n"


def _goals(results: Results) -> str:
    from benchmarks.output.markdown import goals_table

    return goals_table([goal for result in results.values() for goal in result.get("goals", [])])


def _machine(results: Results) -> str:
    from benchmarks.output.markdown import machine_line

    return f"{machine_line(results['latency'])}. Version {results['latency']['kit_version']} of kit and model.\n"


def _rows(name: str, command: str) -> Callable[[Results], str]:
    """A table of `benchmarks.tables.device_tables`, made of the rows of one command's result."""

    def shown(results: Results) -> str:
        from benchmarks.tables import device_tables

        return str(getattr(device_tables, name)(results[command]["rows"]))

    return shown


def _command_rows(command: str) -> Callable[[Results], str]:
    """The rows as the command itself prints them."""

    def shown(results: Results) -> str:
        from benchmarks.tables.results import table_of

        return table_of(results[command])

    return shown


def _latency_ratios(results: Results) -> str:
    from benchmarks.device.latency import ratios_table

    return ratios_table(results["latency"]["ratios"])


def _bulk_plan(results: Results) -> str:
    """Hours for ten million films at one worker's measured rate, and what that reads from a disk."""
    from benchmarks.device.bulk import plan_table

    return plan_table(results["bulk"])


def _kiosk_start(results: Results) -> str:
    row = results["kiosk"]["rows"][0]
    return f"The kiosk answered its health check {row['ready_s']} s after its start.\n"


def _reduced_scale(results: Results) -> str:
    from benchmarks.device.reduced_scale import reduced_scale_words

    return reduced_scale_words(results["pipeline"]).lstrip()


def _of_card(name: str) -> Callable[[Results], str]:
    def shown(_: Results) -> str:
        from benchmarks.tables import model_tables

        return str(getattr(model_tables, name)(model_tables.shipped_card()))

    return shown


def _of_study(name: str, *arguments: Any) -> Callable[[Results], str]:
    """A table of `benchmarks.tables.model_tables`, made of the committed result of a study."""

    def shown(_: Results) -> str:
        from benchmarks.tables import model_tables

        return str(getattr(model_tables, name)(*arguments))

    return shown


TABLES: dict[str, Callable[[Results], str]] = {
    "validation": _of_card("validation"),
    "parity": _of_card("parity"),
    "probe": _of_study("probe"),
    "bundles": _of_study("bundles"),
    "seeds": _of_study("seeds"),
    **{f"networks-{name}": _of_study("networks", name) for name in EVALUATION_SETS},
    **{f"binary-networks-{name}": _of_study("binary_networks", name) for name in EVALUATION_SETS},
    "networks-cost": _of_study("networks_cost"),
    "networks-notes": _of_study("networks_notes"),
    "networks-claims": _of_study("networks_claims"),
    "paired": _of_study("paired"),
    "rejection": _of_study("rejection"),
    **{f"{length}-{part}": _of_study("recipes", length, part) for length in RECIPES for part in RECIPE_PARTS},
    "stability": _of_study("stability"),
    "occlusion": _of_study("occlusion"),
    "hospitals": _of_study("hospitals"),
    "goals": _goals,
    "machine": _machine,
    "latency": _rows("latency", "latency"),
    "latency-start": _rows("latency_start", "latency"),
    "latency-delegated": _rows("latency_delegated", "latency"),
    "latency-ratios": _latency_ratios,
    "compare": _rows("compare", "compare"),
    "compare-size": _rows("compare_size", "compare"),
    "pipeline": _rows("pipeline", "pipeline"),
    "pipeline-steps": _rows("pipeline_steps", "pipeline"),
    "coldstart": _command_rows("coldstart"),
    "roofline": _rows("roofline", "roofline"),
    "kiosk": _rows("kiosk", "kiosk"),
    "kiosk-memory": _rows("kiosk_memory", "kiosk"),
    "kiosk-start": _kiosk_start,
    "reduced-scale": _reduced_scale,
    "bulk": _rows("bulk", "bulk"),
    "bulk-plan": _bulk_plan,
}
