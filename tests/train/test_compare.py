from pathlib import Path

import pytest

from edge_app.errors import DataError
from edge_app.phantom import write_phantom_set
from train.compare import CompareOptions, compare
from train.comparison import arch_rows, mean_and_spread, table


def test_mean_and_spread_by_hand() -> None:
    found = mean_and_spread([0.90, 0.92, 0.97])
    assert (found["mean"], found["spread"]) == pytest.approx((0.93, 0.0360555), abs=1e-6)
    assert mean_and_spread([0.9])["spread"] == 0.0


def test_finished_runs_are_not_trained_again(tmp_path: Path, capsys) -> None:
    write_phantom_set(tmp_path / "data", films_per_class=24)
    options = CompareOptions(tmp_path / "runs", archs=("tiny",), seeds=(0, 1), data=str(tmp_path / "data"), epochs=1)
    first = compare(options)
    assert capsys.readouterr().err.count("compare: training") == 2
    assert compare(options) == first
    assert "compare: training" not in capsys.readouterr().err
    assert [row["judge"] for row in first] == ["random", "shortcut-swapped", "shortcut-free"]
    assert len(table(first).splitlines()) == 5


def test_runs_on_other_films_are_not_compared() -> None:
    runs = [{"manifest_sha256": digest, "judges": {}} for digest in ("a", "b")]
    with pytest.raises(DataError, match="cut differently"):
        arch_rows("compact", "this kit", runs)
