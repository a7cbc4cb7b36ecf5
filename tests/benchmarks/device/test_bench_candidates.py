"""Candidates that run, and candidates that cannot: the others continue."""

import time
from pathlib import Path

import pytest

from benchmarks.device.harness.candidate import Candidate, RunLength
from benchmarks.device.harness.engines import delegated_ops
from benchmarks.device.harness.interleave import measure_candidates
from benchmarks.device.harness.worker import timed
from edge_app.model.bundle import Bundle

SHORT = RunLength(rounds=2, min_runs=4, max_seconds=0.2, warmup_seconds=0.01)


def test_a_row_that_cannot_run_says_why_and_the_others_go_on(shipped: Bundle, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.tflite"
    garbage.write_bytes(b"no model at all" * 40)
    rows = measure_candidates(
        [
            Candidate("garbage", "ai-edge-litert", garbage),
            Candidate("real", "no_such_engine", shipped.path),
            Candidate("real", "ai-edge-litert", shipped.path, facts={"quantization": "int8"}),
        ],
        SHORT,
    )
    assert rows[0]["cannot_run"]
    assert rows[1]["cannot_run"] == "no_such_engine is not installed"
    assert "cannot_run" not in rows[2]
    assert rows[2]["quantization"] == "int8"


def test_a_row_holds_as_many_rounds_and_runs_as_were_asked_for(shipped: Bundle) -> None:
    (row,) = measure_candidates([Candidate("real", "ai-edge-litert", shipped.path)], SHORT)
    assert len(row["rounds"]["median_ms"]) == 2
    assert row["misc_metrics"]["num_runs"] >= 4
    assert row["latency_metrics"]["min_ms"] > 0
    assert row["ops"]["total"] >= row["ops"]["delegated"] >= 0
    assert row["engine_version"].startswith("ai-edge-litert ")


def test_a_worker_that_crashes_costs_its_own_row_only(shipped: Bundle, tmp_path: Path) -> None:
    # Flipped bytes in a model may crash an interpreter; whatever happens must stay in the child.
    content = bytearray(shipped.content)
    for index in range(8, 400, 3):
        content[index] ^= 0xFF
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(content)
    rows = measure_candidates(
        [Candidate("broken", "ai-edge-litert", broken), Candidate("real", "ai-edge-litert", shipped.path)], SHORT
    )
    assert rows[0]["cannot_run"]
    assert "cannot_run" not in rows[1]


@pytest.mark.parametrize(("one_run_s", "runs"), [(0.0001, 50), (0.1, 5), (3.0, 1)])
def test_a_row_stops_at_1000_runs_or_10_seconds(one_run_s: float, runs: int) -> None:
    assert RunLength().runs_per_round(one_run_s) == runs


def test_a_turn_ends_when_its_time_is_up_but_not_before_one_run() -> None:
    assert len(timed(lambda: time.sleep(0.02), runs=100, seconds=0.1)["wall_ns"]) <= 5
    assert len(timed(lambda: None, runs=7, seconds=10)["wall_ns"]) == 7
    assert len(timed(lambda: time.sleep(0.01), runs=3, seconds=0.0)["wall_ns"]) == 1


def op(index: int, name: str, inputs: list[int], outputs: list[int]) -> dict:
    return {"index": index, "op_name": name, "inputs": inputs, "outputs": outputs}


def test_ops_are_delegated_when_a_delegate_computes_what_they_did() -> None:
    # CONV -> CONV -> POOL -> FC; one delegate replaces the CONVs, another one the FC.
    ops = [
        op(0, "CONV_2D", [0, 10], [1]),
        op(1, "CONV_2D", [1, 11], [2]),
        op(2, "AVERAGE_POOL_2D", [2], [3]),
        op(3, "FULLY_CONNECTED", [3, 12], [4]),
        op(4, "DELEGATE", [0, 10, 11], [2]),
        op(5, "DELEGATE", [3, 12], [4]),
    ]
    assert delegated_ops([ops]) == {"total": 4, "delegated": 3, "left": {"AVERAGE_POOL_2D": 1}}
    assert delegated_ops([ops[:4], ops])["delegated"] == 3
