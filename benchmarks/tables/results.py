"""Results that were written earlier: reading them, and showing each as its benchmark does."""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.device import BENCHMARKS
from benchmarks.output.result_files import FORMAT_VERSION
from edge_app.errors import DataError

COMMITTED = Path(__file__).parents[1] / "results"


def load_results(folder: Path) -> dict[str, dict[str, Any]]:
    """The results in a folder, in the order of the commands; those that are not there are left out.

    Raises:
        DataError: a result is not JSON or of another format.
    """
    results = {}
    for name in BENCHMARKS:
        path = folder / f"{name}.json"
        if not path.exists():
            continue
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as cause:
            raise DataError(f"{path} is not JSON: measure again: python -m benchmarks {name}") from cause
        if result.get("format_version") != FORMAT_VERSION:
            got = result.get("format_version")
            raise DataError(f"{path} has format version {got}, expected {FORMAT_VERSION}: measure again")
        results[name] = result
    return results


def markdown_of(result: dict[str, Any]) -> str:
    """The page of a result."""
    return str(_benchmark(result).markdown(result))


def plot_of(result: dict[str, Any]) -> str | None:
    """The plot of a result, as SVG; None where its benchmark draws none."""
    benchmark = _benchmark(result)
    return benchmark.plot(result["rows"]) if hasattr(benchmark, "plot") else None


def _benchmark(result: dict[str, Any]) -> ModuleType:
    return importlib.import_module(f"benchmarks.device.{result['benchmark']}")
