"""From single times to the figures of a row, and from two rows to a ratio with an interval.

Field names are those of the TFLite benchmark tool (`benchmark_result.proto`: latency_metrics,
memory_metrics, misc_metrics); percentiles that it does not have follow its pattern.
"""

from collections.abc import Mapping, Sequence

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
    return {name: round(value, 5) for name, value in metrics.items()} | percentiles(ms, PERCENTILES, digits=5)


def percentiles(values: Sequence[float] | np.ndarray, named: Mapping[str, float], digits: int) -> dict[str, float]:
    """Percentiles, rounded.

    Args:
        values: at least one, in any unit.
        named: name in the result to percent, 0..100.
    """
    found = np.percentile(values, list(named.values()))
    return {name: round(float(value), digits) for name, value in zip(named, found, strict=True)}


def median(values: Sequence[float] | np.ndarray, digits: int) -> float:
    """The median, rounded."""
    return round(float(np.median(values)), digits)


def median_ms(times_ns: Sequence[int]) -> float:
    """The median of times in ns, in ms."""
    return median(np.asarray(times_ns) / 1e6, digits=6)


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> dict[str, float]:
    """How many times as long one row takes as another, measured in the same rounds.

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
