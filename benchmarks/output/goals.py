"""Goals on the ratio of two rows, and the verdict on each."""

from dataclasses import dataclass
from typing import Any

from benchmarks.output.statistics import ratio

CLOCKS = {"wall": "median_ms", "cpu": "cpu_median_ms"}  # by each clock, the medians per round of a row
NOT_MEASURED: dict[str, Any] = {"cannot_run": "not measured"}  # stands for a row that is absent


@dataclass(frozen=True)
class Goal:
    """A bound on how many times as long one row takes as another."""

    words: str
    bound: float  # of the ratio, above 0
    at_least: bool = False  # the ratio must reach the bound; otherwise it must not exceed it


def verdict(goal: Goal, row: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Whether a goal holds by both clocks.

    Wall clock alone depends on what else the machine does; processor time alone hides waiting.

    Returns:
        `goal`, `bound` and `holds`, with the ratios by each clock in `measured`; `holds` is None, and
        `why` says the reason, where one of the rows could not run.
    """
    found: dict[str, Any] = {"goal": goal.words, "bound": goal.bound}
    for side in (row, reference):
        if "cannot_run" in side:
            return found | {"holds": None, "why": side["cannot_run"]}
    measured = {clock: ratio(row["rounds"][name], reference["rounds"][name]) for clock, name in CLOCKS.items()}
    values = [side["value"] for side in measured.values()]
    holds = min(values) >= goal.bound if goal.at_least else max(values) <= goal.bound
    return found | {"measured": measured, "holds": holds}
