"""`kill -9` at any moment of a training loses nothing: the resumed run ends like the unkilled one."""

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT

from train.training.callbacks import Patience
from train.training.loop import _is_over
from train.training.plan import Schedule

WORKER = Path(__file__).with_name("fit_worker.py")


def _train(out: Path, phantoms: Path, place: str) -> subprocess.CompletedProcess:
    """Train in a process of its own, as a user does: in one that other tests had used, a loss once differed by
    0.0005."""
    words = [sys.executable, str(WORKER), str(out), str(phantoms), *place.split()]
    scratch = out.with_name(f"{out.name}-scratch")
    scratch.mkdir(exist_ok=True)
    ended = subprocess.run(words, env=ENVIRONMENT | {"TMPDIR": str(scratch)}, capture_output=True, timeout=300)
    left = [path.name for path in scratch.iterdir() if not path.name.startswith("__autograph")]  # TensorFlow's own
    assert left == [], "films are left behind"
    return ended


def _history(out: Path) -> list[dict[str, float]]:
    return json.loads((out / "history.json").read_text())


@pytest.fixture(scope="module")
def unkilled(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    out = tmp_path_factory.mktemp("unkilled")
    assert _train(out, phantoms, "never 0").returncode == 0
    return _history(out)


@pytest.mark.slow  # test_fit resumes a run that was killed once
@pytest.mark.parametrize(
    "place",
    [
        "step 1",  # before anything was saved
        "step 5",  # in the middle of the second epoch
        # An epoch saves the best model, if it is the best, the averaged one, and the last.
        "torn 1", "saved 1", "saved 2", "torn 3", "saved 3",
        "torn 4", "saved 4", "torn 5",  # in the second epoch, as models replace those of the first
    ],
)  # fmt: skip
def test_killed_training_resumes_to_the_history_of_the_unkilled_one(
    phantoms: Path, unkilled: list[dict[str, float]], tmp_path: Path, place: str
) -> None:
    killed = _train(tmp_path / "run", phantoms, place)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    assert not (tmp_path / "run" / "run.json").exists()  # no file says that it is finished
    resumed = _train(tmp_path / "run", phantoms, "never 0")
    assert resumed.returncode == 0, resumed.stderr.decode()[-2000:]
    history = _history(tmp_path / "run")
    assert [row["epoch"] for row in history] == [1, 2, 3]
    for row, wanted in zip(history, unkilled, strict=True):
        assert row == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(("patience", "over"), [(2, True), (3, False)])
def test_training_that_was_killed_after_its_last_epoch_goes_straight_to_scoring(patience: int, over: bool) -> None:
    rows = [{"epoch": number + 1, "judge_auc": auc} for number, auc in enumerate([0.8, 0.9, 0.85, 0.9])]
    schedule = Schedule(epochs=9, batch_size=8, steps_per_epoch=2, learning_rate=1e-3, patience=patience)
    assert _is_over(rows, schedule) == over
    assert _is_over(rows, dataclasses.replace(schedule, epochs=4))
    assert not _is_over([], schedule)


def test_patience_counts_the_epochs_before_the_kill() -> None:
    class Model:
        stop_training = False

    rows = [{"epoch": number + 1, "judge_auc": auc} for number, auc in enumerate([0.8, 0.9, 0.85, 0.85])]
    whole, resumed = Patience(3, []), Patience(3, rows)
    for patience in (whole, resumed):
        patience.model = Model()
        patience.on_train_begin()
    for row in rows:
        whole.on_epoch_end(row["epoch"] - 1, row)
    assert whole.wait == resumed.wait == 2
    assert whole.best == resumed.best == 0.9
    resumed.on_epoch_end(4, {"judge_auc": 0.85})
    assert resumed.model.stop_training
