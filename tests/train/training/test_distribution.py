"""Training on several devices and machines gives the same result as on one."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests_support import ENVIRONMENT

from edge_app.errors import DataError
from train.__main__ import main
from train.evaluation.run import read_run
from train.training.distribution import is_chief

WORKER = Path(__file__).with_name("distributed_worker.py")
# Gradients of two halves are added in another order than those of a whole: rounding, nothing else.
SAME_LOSS = 1e-3
# The moving variance of a synchronized batch norm lacks the correction for small samples.
SAME_MEAN_LOSS = 1e-2


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


def _started(out: Path, phantoms: Path, strategy: str, devices: int = 1, config: dict | None = None) -> Any:
    environment = ENVIRONMENT | ({"TF_CONFIG": json.dumps(config)} if config else {})
    words = [sys.executable, str(WORKER), str(out), str(phantoms), strategy, str(devices)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _finish(processes: list[Any]) -> None:
    try:
        for process in processes:
            printed, _ = process.communicate(timeout=540)
            assert process.returncode == 0, printed[-3000:]
    finally:
        for process in processes:
            process.kill()


def _history(out: Path) -> list[dict[str, float]]:
    return json.loads((out / "history.json").read_text())


@pytest.fixture(scope="module")
def alone(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    out = tmp_path_factory.mktemp("alone") / "run"
    _finish([_started(out, phantoms, "single")])
    return _history(out)


@pytest.mark.slow
def test_two_worker_processes_reach_the_loss_of_one(
    phantoms: Path, alone: list[dict[str, float]], tmp_path: Path
) -> None:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in _free_ports(2)]}
    outs = [tmp_path / "chief", tmp_path / "other"]
    _finish(
        [
            _started(out, phantoms, "multiworker", 1, {"cluster": cluster, "task": {"type": "worker", "index": index}})
            for index, out in enumerate(outs)
        ]
    )
    for together, by_itself in zip(_history(outs[0]), alone, strict=True):
        assert together["loss"] == pytest.approx(by_itself["loss"], rel=SAME_LOSS)
        assert together["judge_loss"] == pytest.approx(by_itself["judge_loss"], rel=SAME_MEAN_LOSS)
    assert not outs[1].exists()  # only the chief writes
    model, _, _ = read_run(outs[0] / "model.keras")
    assert not any(layer.get_config().get("synchronized") for layer in model.layers)


@pytest.mark.slow
def test_two_devices_of_one_machine_reach_the_loss_of_one(
    phantoms: Path, alone: list[dict[str, float]], tmp_path: Path
) -> None:
    _finish([_started(tmp_path / "run", phantoms, "mirrored", devices=2)])
    for together, by_itself in zip(_history(tmp_path / "run"), alone, strict=True):
        assert together["loss"] == pytest.approx(by_itself["loss"], rel=SAME_LOSS)


@pytest.mark.parametrize(
    ("config", "chief"),
    [
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}, True),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, False),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}, False),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "chief", "index": 0}}, True),
    ],
)
def test_one_process_of_a_cluster_writes(monkeypatch: pytest.MonkeyPatch, config: dict, chief: bool) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert is_chief("multiworker") == chief
    assert is_chief("single")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
    ],
)
def test_missing_cluster_is_an_error_before_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(DataError, match="TF_CONFIG"):
        is_chief("multiworker")
    assert main(["fit", "--data", "phantom", "--strategy", "multiworker", "--out", str(tmp_path / "run")]) == 1
    assert not (tmp_path / "run").exists()


def test_unknown_strategy_is_refused_by_name(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "--data", "phantom", "--strategy", "parameter-server", "--out", str(tmp_path / "run")])
    assert "'single', 'mirrored', 'multiworker'" in capsys.readouterr().err
