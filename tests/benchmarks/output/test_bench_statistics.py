"""The figures of a row and the ratio of two, against values computed by hand."""

import pytest

from benchmarks.output.statistics import latency_metrics, ratio


def test_figures_have_the_names_of_the_tflite_benchmark_tool() -> None:
    times_ns = [int(ms * 1e6) for ms in range(1, 102)]  # 1..101 ms
    metrics = latency_metrics(times_ns, init_ns=7_000_000, first_ns=9_000_000, warmup_ns=[2_000_000, 4_000_000])
    assert metrics["init_ms"] == 7
    assert metrics["first_inference_ms"] == 9
    assert metrics["average_warm_up_ms"] == 3
    assert (metrics["min_ms"], metrics["median_ms"], metrics["max_ms"], metrics["avg_ms"]) == (1, 51, 101, 51)
    assert (metrics["p90_ms"], metrics["p95_ms"], metrics["p99_ms"]) == (91, 96, 100)
    assert metrics["stddev_ms"] == pytest.approx(29.15476, abs=1e-5)  # sqrt((101^2 - 1) / 12)


def test_a_machine_that_slows_down_does_not_move_the_ratio() -> None:
    slowing = [1.0, 1.3, 2.0, 4.0, 1.1]
    assert ratio([3 * value for value in slowing], slowing) == {"value": 3, "low": 3, "high": 3}


def test_one_disturbed_round_widens_the_interval_and_leaves_the_ratio() -> None:
    got = ratio([2, 2.1, 1.9, 2, 50, 2, 2.1, 1.9, 2, 2], [1] * 10)
    assert got["value"] == 2
    assert got["low"] <= 2 <= got["high"] < 50


def test_rows_of_different_rounds_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="2 and 1 rounds"):
        ratio([1, 2], [1])
