"""A run folder over its life: numbered, resumed, never overwritten unasked, and what a full disk leaves of it."""

import hashlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests_support import ENVIRONMENT

from edge_app.system.result_folder import free_folder, newest_folder
from train.__main__ import main
from train.keras import tf

WORKER = Path(__file__).with_name("fit_worker.py")


def _fit(out: Path | None, phantoms: Path, *more: str) -> int:
    words = ["fit", "--data", str(phantoms), "--arch", "tiny", "--batch-size", "16", *more]
    return main([*words, *(["--out", str(out)] if out else [])])


def _content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def run(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs by the command line, with figures for TensorBoard."""
    folder = tmp_path_factory.mktemp("runs") / "fit"
    more = [
        "--epochs",
        "2",
        "--seed",
        "3",
        "--recipe-change",
        "mixup=0.2",
        "--tensorboard",
        str(folder.parent / "board"),
        *("--ages", "1", "5", "--population", "drawn films", "--intended-use", "Tests."),
    ]
    assert _fit(folder, phantoms, *more) == 0
    return folder


def test_finished_run_is_never_overwritten_unasked(run: Path, phantoms: Path, capsys: Any) -> None:
    before = _content(run)
    assert _fit(run, phantoms, "--epochs", "1") == 1
    assert capsys.readouterr().err == (
        f"train: {run} holds files already: give another --out, or --overwrite to replace them\n"
    )
    assert _content(run) == before


def test_default_folder_takes_the_next_free_number(
    run: Path, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("runs/fit", "runs/fit-2"):
        assert _fit(None, phantoms, "--epochs", "1", "--learning-rate", "1e-9") == 0
        printed = capsys.readouterr()
        assert f"written to {name}\n" in printed.out
        assert re.search(r"epoch 1 of 1: loss .*; the best so far; at most 0 s left", printed.err)
        assert "kept epoch 1 of 1: its lowest AUC on any evaluation set" in printed.err
        assert re.search(r"WARNING: only \d+ validation films", printed.err)
        assert "WARNING: Of no use on its validation films: " in printed.err, "it has learned nothing"
    first = _content(Path("runs/fit"))
    assert free_folder(Path("runs/fit")) == Path("runs/fit-3")
    assert newest_folder(Path("runs/fit")) == Path("runs/fit-2")
    assert main(["fit", "--resume"]) == 0
    assert "runs/fit-2 is finished, after 1 epochs: nothing is trained" in capsys.readouterr().err
    assert _content(Path("runs/fit")) == first


def test_resuming_a_finished_run_trains_nothing_and_says_so(run: Path, phantoms: Path, capsys: Any) -> None:
    before = _content(run)
    assert _fit(run, phantoms, "--resume", "--json") == 0
    printed = capsys.readouterr()
    assert "is finished, after 2 epochs" in printed.err
    assert json.loads(printed.out) == json.loads(before["metrics.json"])
    assert _content(run) == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--epochs", "1"], "--epochs 2 and not 1"),
        (["--seed", "0"], "--seed 3 and not left out"),
        (["--recipe-change", "mixup=0.1"], "--recipe-change mixup=0.2 and not mixup=0.1"),
        (["--split", "acquisition-order"], "--split random and not acquisition-order"),
        (["--ages", "2", "9"], "--ages 1 5 and not 2 9"),
    ],
)
def test_resuming_with_other_options_is_refused_by_name(
    run: Path, phantoms: Path, capsys: Any, more: list[str], said: str
) -> None:
    before = _content(run)
    assert _fit(run, phantoms, "--resume", *more) == 1
    assert said in capsys.readouterr().err
    assert _content(run) == before


def test_resuming_where_there_is_no_run_is_an_error(phantoms: Path, tmp_path: Path, capsys: Any) -> None:
    assert _fit(tmp_path / "none", phantoms, "--resume") == 1
    assert "holds no run to resume" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_run_says_how_it_was_made_and_its_file_has_a_hash(run: Path, phantoms: Path) -> None:
    record = json.loads((run / "run.json").read_text())["record"]
    assert record["command"].startswith(f"python -m train fit --data {phantoms} --arch=tiny --epochs=2 --seed=3")
    assert record["packages"]["tensorflow"] == tf.__version__
    assert record["machine"]["cores"] >= 1
    assert record["seconds"] > 0
    digest, name = (run / "run.json.sha256").read_text().split()
    assert (digest, name) == (hashlib.sha256((run / "run.json").read_bytes()).hexdigest(), "run.json")


def test_config_of_a_run_trains_the_same_network(run: Path, phantoms: Path, tmp_path: Path) -> None:
    assert main(["fit", "--config", str(run / "config.toml"), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again/config.toml").read_bytes() == (run / "config.toml").read_bytes()
    purpose = {"ages_years": [1, 5], "population": "drawn films", "intended_use": "Tests."}
    assert json.loads((tmp_path / "again/run.json").read_text())["purpose"] == purpose
    again, first = (json.loads((folder / "history.json").read_text()) for folder in (tmp_path / "again", run))
    assert again[-1] == pytest.approx(first[-1], rel=1e-2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs = 0", "argument --epochs: '0' is not a whole number of at least 1"),
        ("epoch-count = 3", "unrecognized arguments: --epoch-count=3"),
        ('out = "elsewhere"', "cannot set out"),
    ],
)
def test_wrong_config_is_wrong_usage(tmp_path: Path, capsys: Any, text: str, said: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "--config", str(tmp_path / "config.toml"), "--out", str(tmp_path / "out")])
    assert said in capsys.readouterr().err


def test_figures_of_each_epoch_are_there_as_csv_and_for_tensorboard(run: Path) -> None:
    history = json.loads((run / "history.json").read_text())
    head, *rows = [line.split(",") for line in (run / "history.csv").read_text().splitlines()]
    assert [dict(zip(head, map(float, row), strict=True)) for row in rows] == history
    (events,) = (run.parent / "board").iterdir()
    written = {}
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        written |= {(value.tag, event.step): tf.make_ndarray(value.tensor).item() for value in event.summary.value}
    for row in history:
        assert written["judge_auc", row["epoch"]] == pytest.approx(row["judge_auc"])


def test_folder_that_cannot_be_written_is_found_before_the_films_are_read(
    phantoms: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert _fit(tmp_path / "file" / "run", phantoms) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "file") in line


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "--epochs", "-3"], ["fit", "--epochs", "0"], ["fit", "--epochs", "many"], ["fit", "--patience", "0"],
        ["fit", "--learning-rate", "nan"], ["fit", "--batch-size", "0"], ["fit", "--seed", "-1"],
        ["fit", "--arch", "no-such"], ["fit", "--recipe", "no-such"], ["fit", "--split", "no-such"],
        ["tune", "--trials", "0"], ["tune", "--epochs", "-1"], ["locator", "--masks", "m", "--steps", "0"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_bad_values_are_wrong_usage_without_a_traceback(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert f"train {words[0]}: error: " in capsys.readouterr().err


def test_help_lists_networks_recipes_and_splits(capsys: Any) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["fit", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name in ("compact-160", "efficientnet-lite0", "half-geometry", "acquisition-order", "leave-one-source-out"):
        assert name in text


def _worker(out: Path, phantoms: Path, place: str) -> subprocess.CompletedProcess:
    words = [sys.executable, str(WORKER), str(out), str(phantoms), *place.split()]
    return subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["step 1", "saved 3"])
def test_run_being_replaced_stays_until_the_new_one_is_finished(phantoms: Path, tmp_path: Path, place: str) -> None:
    out = tmp_path / "run"
    assert _fit(out, phantoms, "--epochs", "1") == 0
    before = _content(out)
    assert _worker(out, phantoms, place).returncode == -signal.SIGKILL
    assert before.items() <= _content(out).items()
    assert _worker(out, phantoms, "never 0").returncode == 0
    assert len(json.loads((out / "history.json").read_text())) == 3


def test_full_disk_names_the_file_and_loses_nothing_finished(run: Path, phantoms: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert _fit(out, phantoms, "--epochs", "1") == 0
    before = _content(out)
    failed = _worker(out, phantoms, "full 1")
    assert failed.returncode == 1
    assert f"File too large: '{out / 'checkpoint' / 'best.keras'}'" in failed.stderr.splitlines()[-1]
    assert before.items() <= _content(out).items()
