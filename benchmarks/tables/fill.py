"""Tables in README.md and docs, filled from committed results so that no figure is typed by hand.

`docs/MODEL_CARD.md` is the shipped bundle's own card.

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


def marked_files(root: Path) -> list[Path]:
    """README.md and the pages in docs that hold a marked table."""
    files = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
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


def _compare_litert(results: Results) -> str:
    """The rows that answer `is it faster`: LiteRT, and TensorFlow as what many start from."""
    from benchmarks.device.compare import rows_table

    wanted = ("ai-edge-litert", "tensorflow")
    return rows_table([row for row in results["compare"]["rows"] if row.get("engine") in wanted])


def _rows(command: str) -> Callable[[Results], str]:
    def rows(results: Results) -> str:
        from benchmarks.tables.results import table_of

        return table_of(results[command])

    return rows


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


def _of_training(name: str) -> Callable[[Results], str]:
    def shown(_: Results) -> str:
        from benchmarks.tables import model_tables

        return str(getattr(model_tables, name)())

    return shown


TABLES: dict[str, Callable[[Results], str]] = {
    "validation": _of_card("validation"),
    "operating-points": _of_card("operating_points"),
    "parity": _of_card("parity"),
    "probe": _of_card("probe"),
    "networks": _of_training("networks"),
    "networks-binary": _of_training("binary_networks"),
    "networks-notes": _of_training("networks_notes"),
    "paired": _of_training("paired"),
    "rejection": _of_training("rejection"),
    "recipes": _of_training("recipes"),
    "recipes-at-length": _of_training("recipes_at_length"),
    "stability": _of_training("stability"),
    "regions": _of_training("regions"),
    "hospitals": _of_training("hospitals"),
    "goals": _goals,
    "machine": _machine,
    "latency": _rows("latency"),
    "latency-ratios": _latency_ratios,
    "compare": _rows("compare"),
    "compare-litert": _compare_litert,
    "pipeline": _rows("pipeline"),
    "coldstart": _rows("coldstart"),
    "roofline": _rows("roofline"),
    "kiosk": _rows("kiosk"),
    "kiosk-start": _kiosk_start,
    "reduced-scale": _reduced_scale,
    "bulk": _rows("bulk"),
    "bulk-plan": _bulk_plan,
}
