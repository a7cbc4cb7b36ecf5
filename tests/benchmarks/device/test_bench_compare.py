"""The comparison: goals need both clocks, and the networks have their published shape."""

import json
from pathlib import Path

import pytest
from tests_support import printed_by, run_python

from benchmarks.device import compare


def row(name: str, kind: str, wall: list[float], cpu: list[float]) -> dict:
    rounds = {"median_ms": wall, "cpu_median_ms": cpu}
    return {"name": name, "title": name, "kind": kind, "engine": "ai-edge-litert", "threads": 1, "rounds": rounds}


def verdicts(rows: list[dict]) -> list[bool | None]:
    compare.add_ratios(rows)
    return [goal["holds"] for goal in compare.goals(rows)]


def test_goals_are_checked_against_the_shipped_int8_row() -> None:
    rows = [
        row("shipped", "int8", [1.0] * 5, [1.0] * 5),
        row("shipped", "float32", [0.8] * 5, [0.8] * 5),
        row("mobilenet-v2", "int8", [25.0] * 5, [25.0] * 5),
        row("densenet201", "float32", [99.0] * 5, [99.0] * 5),
    ]
    assert verdicts(rows) == [True, False, True]
    assert compare.goals(rows)[2]["measured"]["wall"]["value"] == 1.25


def test_a_goal_that_only_a_busy_machine_reaches_is_missed() -> None:
    # Long inferences are interrupted, short ones are not: wall clock flatters the short one.
    rows = [
        row("shipped", "int8", [1.0] * 5, [1.0] * 5),
        row("mobilenet-v2", "int8", [26.0] * 5, [13.0] * 5),
    ]
    assert verdicts(rows)[0] is False


def test_a_goal_without_its_row_is_neither_held_nor_missed() -> None:
    rows = [
        row("shipped", "int8", [1.0], [1.0]),
        {"name": "shipped", "title": "s", "kind": "float32", "engine": "ai-edge-litert", "cannot_run": "no twin"},
    ]
    assert verdicts(rows) == [None, None, None]
    assert compare.goals(rows)[2]["why"] == "no twin"
    assert "no twin" in compare.rows_table(rows[1:])


# Published sizes: EfficientNet-Lite0 counts what is trained, for 1,000 classes (timm's model table).
# The MLPerf Tiny reference counts everything, for 2 classes, and its 2,736 convolution biases, which
# batch normalization makes redundant and folding removes.
TRAINED = "sum(tf_keras.backend.count_params(w) for w in m.trainable_weights)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count", "classes", "features", "published"),
    [
        ("efficientnet-lite0", TRAINED, 1000, 1280, 4_652_008),
        ("mlperf-tiny-vww", "m.count_params() + 2736", 2, 256, 221_794),
    ],
)
def test_networks_built_by_hand_have_the_published_size(
    name: str, count: str, classes: int, features: int, published: int
) -> None:
    code = (
        "import sys, tf_keras; from benchmarks.device.reference_networks import *;"
        f"n = NETWORKS[sys.argv[1]]; m = n.build(tf_keras, n.size_px); print({count})"
    )
    printed = printed_by(code, name, TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3")
    assert int(printed.split()[-1]) + (features + 1) * (classes - 3) == published


@pytest.mark.slow
def test_compare_builds_a_network_and_times_it_beside_the_bundle(tmp_path: Path) -> None:
    words = ["compare", "--quick", "--json", "--network", "mlperf-tiny-vww"]
    done = run_python("-m", "benchmarks", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    ran = {(r["name"], r["kind"], r["engine"]) for r in rows if "rounds" in r}
    assert {("mlperf-tiny-vww", "int8", "ai-edge-litert"), ("mlperf-tiny-vww", "float32", "tensorflow")} <= ran


@pytest.mark.slow
def test_a_trained_network_is_exported_to_be_timed_in_tensorflow(tmp_path: Path) -> None:
    """With layers of the kit's own, in the process of its own that the comparison starts."""
    from train.networks import ARCHITECTURES
    from train.networks.saving import save_model

    save_model(ARCHITECTURES["compact"].build(112, 3), tmp_path / "model.keras")
    assert compare._export_failure(tmp_path / "model.keras", tmp_path / "saved") is None
    assert (tmp_path / "saved" / "saved_model.pb").is_file()
