"""A figure with its 95% interval, by Wilson's method."""

import math
from dataclasses import dataclass

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959963984540054  # of 0.975


@dataclass(frozen=True)
class Estimate:
    """A measured proportion, 0..1, with the ends of its 95% interval."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        """For display: `97.8% (96.1 to 98.9)`."""
        return f"{100 * self.value:.1f}% ({100 * self.low:.1f} to {100 * self.high:.1f})"


def proportion(hits: int, total: int, draws: int = 1) -> Estimate:
    """A proportion with its Wilson interval.

    Args:
        hits: 0 to `total`.
        total: 1 or more.
        draws: versions of each film among them. They are not independent: the interval is that of as many films.
    Source: Wilson, JASA 22:209 (1927); in the order of operations of `scipy.stats.binomtest`, to the same bits.
    """
    hits, total = int(hits), int(total)
    films, share, square = total / draws, hits / total, NORMAL_QUANTILE**2
    denominator = 2 * (films + square)
    centre = (2 * films * share + square) / denominator
    half = NORMAL_QUANTILE / denominator * math.sqrt(4 * films * share * (1 - share) + square)
    return Estimate(share, 0.0 if hits == 0 else centre - half, 1.0 if hits == total else centre + half)
