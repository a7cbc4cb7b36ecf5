"""From single times to the figures of a row, and from two rows to a ratio with an interval.

Field names are those of the TFLite benchmark tool (`benchmark_result.proto`: latency_metrics,
memory_metrics, misc_metrics); percentiles that it does not have follow its pattern.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

PERCENTILES = {"p5_ms": 5, "median_ms": 50, "p90_ms": 90, "p95_ms": 95, "p99_ms": 99}
BOOTSTRAP_DRAWS = 4000
BOOTSTRAP_SEED = 6


def latency_metrics(wall_ns: Sequence[int], init_ns: int, first_ns: int, warmup_ns: Sequence[int]) -> dict[str, float]:
    """The distribution of one row's inference times, in ms."""
    ms = np.asarray(wall_ns, dtype=np.float64) / 1e6
    metrics = {
        "init_ms": init_ns / 1e6,
        "first_inference_ms": first_ns / 1e6,
        "average_warm_up_ms": float(np.mean(warmup_ns)) / 1e6,
        "avg_ms": float(ms.mean()),
        "stddev_ms": float(ms.std()),
        "min_ms": float(ms.min()),
        "max_ms": float(ms.max()),
    }
    metrics |= {name: float(np.percentile(ms, percent)) for name, percent in PERCENTILES.items()}
    return {name: round(value, 5) for name, value in metrics.items()}


def median_ms(times_ns: Sequence[int]) -> float:
    """Median of some times, in ms."""
    return round(float(np.median(times_ns)) / 1e6, 6)


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> dict[str, float]:
    """How many times slower one row is than another, measured in the same rounds.

    Args:
        numerator, denominator: the rows' median of every round, of equal length, in the same unit.
    Returns:
        `value`, the median over the rounds of the ratio within a round, and `low` and `high`, its
        95% interval by bootstrap over the rounds. Below about ten rounds the interval is rough.
    Raises:
        ValueError: the lengths differ or are 0.
    """
    if len(numerator) != len(denominator) or not len(numerator):
        raise ValueError(f"{len(numerator)} and {len(denominator)} rounds, expected equally many and at least 1")
    ratios = np.asarray(numerator, dtype=np.float64) / np.asarray(denominator, dtype=np.float64)
    draws = np.random.default_rng(BOOTSTRAP_SEED).integers(0, len(ratios), (BOOTSTRAP_DRAWS, len(ratios)))
    low, high = np.percentile(np.median(ratios[draws], axis=1), [2.5, 97.5])
    return {"value": round(float(np.median(ratios)), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def judged(goal: str, bound: float, row: dict[str, Any], floor: dict[str, Any]) -> dict[str, Any]:
    """Whether a row takes at most `bound` times as long as another one, by both clocks.

    Wall clock alone depends on what else the machine does; processor time alone hides waiting. The
    goal holds where both ratios are within the bound; None where one of the rows could not run.
    """
    for side in (row, floor):
        if "cannot_run" in side:
            return {"goal": goal, "bound": bound, "holds": None, "why": side["cannot_run"]}
    measured = {
        clock: ratio(row["rounds"][name], floor["rounds"][name])
        for clock, name in (("wall", "median_ms"), ("cpu", "cpu_median_ms"))
    }
    worst = max(side["value"] for side in measured.values())
    return {"goal": goal, "bound": bound, "measured": measured, "holds": worst <= bound}
