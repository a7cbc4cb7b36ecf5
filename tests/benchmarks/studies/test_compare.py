"""The comparison: nothing is done twice, refused files are shown, and different splits are not compared."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_network import TINY

from benchmarks.__main__ import main
from benchmarks.studies.network_tables import (
    accuracy_table,
    comparison_notes,
    comparison_page,
    cost_table,
    mean_and_spread,
    paired_table,
)
from benchmarks.studies.networks import CompareOptions, compare
from benchmarks.studies.quantized import Quantized, from_report, quantized
from edge_app.commandline import set_up_logging
from edge_app.errors import DataError
from train.data.split import SplitRule
from train.evaluation.paired import Pair, paired_tests
from train.networks import ARCHITECTURES
from train.training.fit import FitOptions, fit


def refused(folder, architecture, data) -> Quantized:
    return Quantized("ptq", refusal="gate: 9 decisions changed")


@pytest.fixture(scope="module")
def options(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> CompareOptions:
    folder = tmp_path_factory.mktemp("compare")
    command = "python -m benchmarks networks --archs tiny"
    return CompareOptions(
        folder / "runs", ("tiny",), seeds=(0,), data=str(phantoms), epochs=1, binary=True, command=command
    )


def test_mean_and_spread_by_hand() -> None:
    found = mean_and_spread([0.90, 0.92, 0.97])
    assert (found["mean"], found["spread"]) == pytest.approx((0.93, 0.0360555), abs=1e-6)
    assert mean_and_spread([0.9])["spread"] == 0.0


def test_finished_runs_are_not_trained_again(options: CompareOptions, capsys) -> None:
    set_up_logging("benchmarks")
    first = compare(options, refused)
    assert capsys.readouterr().err.count("benchmarks: training") == 2
    assert compare(options, refused) == first
    assert "benchmarks: training" not in capsys.readouterr().err
    assert [row["network"] for row in first["rows"]] == ["tiny", "tiny-binary"]
    assert [len(row["labels"]) for row in first["rows"]] == [3, 2]
    assert json.loads((options.out / "compare.json").read_text()) == json.loads(json.dumps(first))
    for name in first["rows"][0]["judges"]:
        assert (options.out / f"roc-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_refused_file_is_named(options: CompareOptions) -> None:
    text = comparison_page(compare(options, refused))
    assert "seed 0 refused: gate: 9 decisions changed" in text
    assert "→ not measured |" in text
    assert f"Made by `{options.command}`." in text
    assert "drawings" not in text


@pytest.mark.slow
def test_drawn_films_are_named_and_one_seed_has_no_spread(tmp_path: Path) -> None:
    compared = compare(CompareOptions(tmp_path, ("tiny",), seeds=(0,), data="phantom", epochs=1), refused)
    page = comparison_page(compared)
    assert compared["phantom"]
    assert "The films were drawings: these figures say nothing about films of people." in page
    assert "±" not in page


def test_networks_of_two_classes_alone_have_no_column_for_three(options: CompareOptions) -> None:
    compared = compare(options, refused)
    heads, under, *lines = accuracy_table(compared["rows"][1:], "random").splitlines()
    assert "three classes" not in heads
    assert {line.count("|") for line in lines if line.startswith("|")} == {heads.count("|")} == {under.count("|")}


def test_figures_of_a_refused_file_are_shown_and_marked(options: CompareOptions) -> None:
    def worse(folder, architecture, data) -> Quantized:
        figures = json.loads((folder / "metrics.json").read_text())["judges"]
        lost = {name: found | {"auc": {"value": 0.25}} for name, found in figures.items()}
        return Quantized("ptq", figures=lost, refusal="gate: 9 decisions changed")

    rows = compare(dataclasses.replace(options, binary=False), worse)["rows"]
    text = accuracy_table(rows, "random")
    assert " → 0.2500 |" in text
    assert "| tiny (int8 file of seed 0 refused) |" in text
    assert "| tiny | 32 px |" in cost_table(rows)


@pytest.mark.slow
def test_a_network_may_have_seeds_of_its_own_and_is_paired_by_seed(options: CompareOptions, monkeypatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "compact", TINY)  # the pairing is tried, not the network
    fewer = dataclasses.replace(options, archs=("tiny", "compact"), seeds_of={"compact": (0,), "tiny": (0, 1)})
    fewer = dataclasses.replace(fewer, binary=False, bfloat16=("compact",))
    folders = ("tiny-0", "tiny-1", "compact-0")

    def after_all_trainings(folder, architecture, data) -> Quantized:
        assert all((options.out / name / "metrics.json").exists() for name in folders)
        return refused(folder, architecture, data)

    compared = compare(fewer, after_all_trainings)
    tiny, reference = compared["rows"]
    assert (tiny["seeds"], reference["seeds"]) == ([0, 1], [0])
    assert [[one["seed"] for one in test["by_seed"]] for test in compared["paired"]] == [[0]] * 4
    assert len(paired_table(compared["paired"]).splitlines()) == 2 + 4  # heads, then a line per evaluation set
    assert (tiny["bfloat16"], reference["bfloat16"]) == (False, True)
    assert "trained in bfloat16" in comparison_notes(compared)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds-of", "compact"], "takes NETWORK=N,N"),
        (["--seeds-of", "compact=a"], "takes NETWORK=N,N"),
        (["--seeds-of", "cnn=0"], "names 'cnn', which is not compared; there are compact"),
        (["--bfloat16", "none"], "there is no network 'none'"),
        (["--recipe-of", "none=base"], "there is no network 'none'"),
        (["--recipe-of", "cnn=none"], "there is no recipe 'none'"),
        (["--recipe-of", "cnn"], "takes ARCH=NAME"),
    ],
)
def test_options_that_name_no_network_are_refused(words: list[str], message: str, tmp_path: Path, capsys) -> None:
    assert main(["networks", "--data", "phantom", "--out", str(tmp_path), *words]) == 1
    assert message in capsys.readouterr().err


def test_runs_of_another_split_are_not_compared(options: CompareOptions) -> None:
    rule = SplitRule(name="acquisition-order")
    fit(FitOptions(options.out / "tiny-2", options.data, "tiny", epochs=1, seed=2, split=rule))
    with pytest.raises(DataError, match=r"was trained with .*--split acquisition-order"):
        compare(dataclasses.replace(options, seeds=(0, 2), binary=False), refused)


@pytest.mark.slow
def test_runs_of_another_recipe_are_not_compared(options: CompareOptions) -> None:
    compare(options, refused)
    other = dataclasses.replace(options, recipe_of={"tiny": "base"}, binary=False)
    with pytest.raises(DataError, match="trained with --recipe half-geometry and not base"):
        compare(other, refused)
    (row,) = compare(dataclasses.replace(other, out=options.out / "base"), refused)["rows"]
    assert row["recipe"] == "base"


def test_the_wanted_file_is_taken_or_else_the_one_made_beside_it() -> None:
    def row(name: str, status: str) -> dict:
        made = {"format": name, "status": status, "path": f"elsewhere/{name}.tflite", "model_bytes": 5}
        made |= {"judges": {"random": name}}
        return made | ({"bundle_bytes": 9} if status == "ok" else {"reason": "no"})

    both = from_report([row("int8", "ok"), row("ptq", "ok")], "int8", Path("run"))
    assert (both.format, both.path, both.bytes, both.refusal) == ("int8", Path("run/int8.tflite"), 9, "")
    assert from_report([row("int8", "rejected"), row("ptq", "ok")], "int8", Path("run")).format == "ptq"
    neither = from_report([row("ptq", "rejected")], "ptq", Path("run"))
    assert (neither.refusal, neither.figures, neither.bytes) == ("no", {"random": "ptq"}, 5)


def test_what_is_converted_is_not_converted_again(tmp_path: Path) -> None:
    (tmp_path / "convert").mkdir()
    (tmp_path / "run.json").write_text("no model lies beside it, so nothing could be converted")
    row = {"format": "ptq", "status": "ok", "path": "ptq.tflite", "model_bytes": 5, "bundle_bytes": 9, "judges": {}}
    (tmp_path / "convert" / "report.json").write_text(json.dumps([row]))
    assert quantized(tmp_path, ARCHITECTURES["tiny"], "phantom").bytes == 9


def test_a_conversion_that_fails_is_that_networks_refusal(tmp_path: Path) -> None:
    found = quantized(tmp_path, ARCHITECTURES["tiny"], "phantom")
    assert found.refusal.startswith("convert failed: ")
    assert "model.keras is missing" in found.refusal


def test_draws_of_one_film_count_once() -> None:
    positive = np.array([True, True, True, False, False, False])
    first = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1])
    second = np.array([0.9, 0.8, 0.2, 0.7, 0.2, 0.1])
    by_set = {"plain": (positive, first), "draws": (np.tile(positive, 3), np.tile(first, 3))}
    others = {"plain": (positive, second), "draws": (np.tile(positive, 3), np.tile(second, 3))}
    pairs = [Pair(0, by_set, others, 0.5, 0.5), Pair(1, by_set, by_set, 0.5, 0.5)]
    plain, draws = paired_tests({"network": "x"}, pairs, films=6)
    assert plain | {"judge": "draws"} == draws
    worse, same = plain["by_seed"]
    assert (worse["only_first_right"], worse["only_second_right"]) == (2, 0)
    assert worse["mcnemar_p"] == pytest.approx(0.5)
    assert worse["auc_difference"] == pytest.approx(1 - 7.5 / 9)
    assert (same["auc_difference"], same["delong_p"], same["mcnemar_p"]) == (0, 1, 1)
    assert plain["auc_difference"]["value"] == pytest.approx((1 - 7.5 / 9) / 2)  # mean over the seeds
    assert plain["accuracy_difference"]["value"] == pytest.approx(2 / 6 / 2)


def test_a_difference_is_bold_where_its_interval_excludes_zero() -> None:
    seed = {"seed": 4, "only_first_right": 1, "only_second_right": 9, "mcnemar_p": 0.0005}
    test = {"network": "x", "judge": "random", "by_seed": [seed]}
    test |= {"auc_difference": {"value": 0.01, "low": -0.001, "high": 0.021}}
    test |= {"accuracy_difference": {"value": -0.05, "low": -0.08, "high": -0.02}}
    line = "| x | random | 4 | +0.0100 (-0.0010 to +0.0210) | **-0.0500 (-0.0800 to -0.0200)** | 1, 9 (< 0.001) |"
    assert line in paired_table([test])


def test_missing_weights_are_reported_before_any_training(tmp_path: Path, capsys) -> None:
    for word in ("densenet201", f"densenet201={tmp_path / 'none.npz'}"):
        assert main(["networks", "--data", "phantom", "--weights", word, "--out", str(tmp_path)]) == 1
        assert "--weights takes ARCH=FILE" in capsys.readouterr().err


@pytest.mark.slow  # converts for real
def test_compare_makes_and_times_the_int8_file(options: CompareOptions) -> None:
    (row,) = compare(dataclasses.replace(options, binary=False))["rows"]
    assert all(figures["int8"]["auc"]["mean"] > 0 for figures in row["judges"].values())
    assert row["latency"]["ms"] > 0
    assert row["int8"]["bytes"] > 0
