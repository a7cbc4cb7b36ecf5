"""Wilson's interval: by hand, as published, and as scipy computes it, to the bit."""

import numpy as np
import pytest

from edge_app.model.estimate import CONFIDENCE, proportion


def test_wilson_interval_by_hand() -> None:
    # Wilson 1927 for 9 of 10 at 95%: (0.9 + 0.19207 -+ 1.95996 * sqrt(0.009 + 0.0096036)) / 1.384146
    estimate = proportion(9, 10)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.9, 0.5958, 0.9821), abs=1e-4)


def test_wilson_interval_matches_a_published_one() -> None:
    """Newcombe 1998 (Stat Med 17:857), table I: 81 of 263 gives 0.2553 to 0.3662."""
    estimate = proportion(81, 263)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)


def test_wilson_interval_has_the_bits_of_scipys() -> None:
    binomtest = pytest.importorskip("scipy.stats").binomtest
    rng = np.random.default_rng(0)
    for total in rng.integers(1, 6000, 300):
        for hits in (0, int(rng.integers(0, total + 1)), int(total)):
            interval = binomtest(hits, int(total)).proportion_ci(CONFIDENCE, method="wilson")
            estimate = proportion(hits, total)
            assert (estimate.low, estimate.high) == (interval.low, interval.high)
