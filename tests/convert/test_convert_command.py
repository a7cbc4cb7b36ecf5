"""`python -m convert` as a user sees it: exit codes, one clear line, nothing overwritten."""

import dataclasses
import json
import re
import resource
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import convert.conversion
from convert.__main__ import build_parser, main, options_of
from convert.conversion import Conversion, accept, check_floor
from convert.conversion import convert as convert_all
from convert.formats.registry import FORMATS
from convert.options import Budget, ConvertOptions, QatOptions
from convert.report.summary import qat_verdict
from convert.source import Source
from edge_app.errors import GateError
from edge_app.model.bundle import read_bundle, write_bundle
from edge_app.system.files import write_together
from train.evaluation.floor import Floor
from train.keras import keras

REPOSITORY = Path(__file__).parent.parent.parent


def _folder_of(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()} if path.exists() else {}


def _one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The last error message: one line on stderr besides progress, nothing on stdout."""
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("convert: ")]
    assert captured.out == ""
    assert len(lines) == 1
    return lines[0]


def _words(model: Path, data: Path, out: Path, *more: str) -> list[str]:
    return ["--ptq", "--model", str(model), "--data", str(data), "--out", str(out), "--overwrite", *more]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder with the files of an earlier conversion."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("compact-ptq.tflite", "compact-ptq.tflite.sha256", "report.html"):
        (out / name).write_text("the last good one")
    return out


def test_missing_model_is_one_line_and_exit_1(good: Path, phantom_set: Path, capsys: Any) -> None:
    before = _folder_of(good)
    assert main(_words(good / "none.keras", phantom_set, good)) == 1
    assert "none.keras is missing: run python -m train fit first" in _one_line(capsys)
    assert _folder_of(good) == before


def test_damaged_model_is_one_line_and_exit_1(
    good: Path, phantom_set: Path, run_folder: Path, tmp_path: Path, capsys: Any
) -> None:
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    (run / "model.keras").write_bytes(b"PK\x03\x04 half a file")
    assert main(_words(run / "model.keras", phantom_set, good)) == 1
    assert "is not a model of this kit" in _one_line(capsys)


def test_wrong_architecture_is_one_line_and_exit_1(
    good: Path, phantom_set: Path, run_folder: Path, tmp_path: Path, capsys: Any
) -> None:
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    layers = keras.layers
    classifier = keras.Sequential([layers.Input((32, 32, 1)), layers.Flatten(), layers.Dense(3, name="softmax")])
    classifier.save(run / "model.keras")
    before = _folder_of(good)
    assert main(_words(run / "model.keras", phantom_set, good)) == 1
    assert "expected logits, class_map, features" in _one_line(capsys)
    assert _folder_of(good) == before


def test_empty_and_single_class_data_are_one_line_and_exit_1(
    good: Path, run_folder: Path, tmp_path: Path, phantom_set: Path, capsys: Any
) -> None:
    before = _folder_of(good)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(_words(run_folder / "model.keras", empty, good)) == 1
    assert "0 folders of films" in _one_line(capsys)
    single = tmp_path / "single"
    shutil.copytree(phantom_set / "train/NORMAL", single / "train/NORMAL")
    (single / "train/PNEUMONIA").mkdir()
    assert main(_words(run_folder / "model.keras", single, good)) == 1
    assert "no film of class" in _one_line(capsys)
    assert _folder_of(good) == before


def test_other_films_than_the_models_are_refused(
    good: Path, run_folder: Path, tmp_path: Path, phantom_set: Path, capsys: Any
) -> None:
    fewer = Path(shutil.copytree(phantom_set, tmp_path / "fewer"))
    for film in sorted((fewer / "train/NORMAL").iterdir())[:10]:
        film.unlink()
    assert main(_words(run_folder / "model.keras", fewer, good)) == 1
    assert "films of the manifest are not in this data set" in _one_line(capsys)


def test_phantom_films_are_not_taken_for_a_model_of_real_ones(good: Path, run_folder: Path, capsys: Any) -> None:
    assert main(_words(run_folder / "model.keras", Path("phantom"), good)) == 1
    assert "was trained on real films" in _one_line(capsys)


def test_wrong_usage_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--int7"])
    assert stopped.value.code == 2


@pytest.mark.parametrize("word", ["nan", "inf", "much"])
def test_budget_that_is_no_number_is_wrong_usage(capsys: pytest.CaptureFixture[str], word: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--max-auc-loss", word])
    assert f"argument --max-auc-loss: '{word}' is not a number" in capsys.readouterr().err


def test_folder_that_holds_bundles_is_not_written_to_unasked(
    good: Path, run_folder: Path, phantom_set: Path, capsys: Any
) -> None:
    before = _folder_of(good)
    words = [word for word in _words(run_folder / "model.keras", phantom_set, good) if word != "--overwrite"]
    assert main(words) == 1
    assert "holds files already: give another --out, or --overwrite to replace them" in _one_line(capsys)
    assert _folder_of(good) == before


def test_model_below_the_floor_is_refused_before_anything_is_made(source: Source, tmp_path: Path) -> None:
    check_floor(source, Floor())
    useless = dataclasses.replace(source, reference={"logits": -source.reference["logits"]})
    with pytest.raises(GateError, match=r"of no use on its validation films: auc 0\.\d+, 0\.75 needed; recall 0\."):
        check_floor(useless, Floor())


def test_newest_run_is_converted_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fit", "fit-2", "fit-3"):
        (tmp_path / "runs" / name / "checkpoint").mkdir(parents=True)
        if name != "fit-3":  # it is not finished
            (tmp_path / "runs" / name / "run.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert options_of(build_parser().parse_args([]), Path("out")).model == Path("runs/fit-2/model.keras")


@contextmanager
def _files_up_to(size_bytes: int) -> Iterator[None]:
    """No file may grow further: what a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(params=["while the gates run", "as the bundle is written"])
def small_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk with room for 40 kB. The gates hand the locator to child processes in a larger file than a bundle."""
    if request.param == "while the gates run":
        with _files_up_to(40_000):
            yield
        return

    def at_last(*arguments: Any) -> str:
        with _files_up_to(40_000):
            return write_bundle(*arguments)

    monkeypatch.setattr(convert.conversion, "write_bundle", at_last)
    yield


def test_full_disk_is_one_line_and_the_last_good_bundle_stays(
    good: Path, run_folder: Path, phantom_set: Path, small_disk: None, capsys: Any
) -> None:
    before = _folder_of(good)
    wide = ["--max-films-missed", "20", "--max-accuracy-loss", "1", "--max-flips", "1", "--max-auc-loss", "1"]
    assert main(_words(run_folder / "model.keras", phantom_set, good, *wide)) == 1
    captured = capsys.readouterr()
    assert "File too large" in captured.err.splitlines()[-1]
    assert "Traceback" not in captured.err
    assert _folder_of(good) == before


def test_files_that_belong_together_are_all_written_or_none(tmp_path: Path) -> None:
    first = tmp_path / "model.tflite"
    first.write_bytes(b"old")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        write_together({first: b"new", tmp_path / "file" / "sidecar": b"cannot be: its folder is a file"})
    assert first.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "model.tflite"]


def test_file_over_budget_is_rejected_with_report_and_exit_1(
    run_folder: Path, phantom_set: Path, good: Path, capsys: Any
) -> None:
    before = _folder_of(good)
    # No file gains 2 in AUC, so this budget refuses every file.
    words = _words(run_folder / "model.keras", phantom_set, good, "--max-auc-loss", "-2", "--json")
    assert main(words) == 1
    captured = capsys.readouterr()
    row = json.loads(captured.out)[0]
    assert row["status"] == "rejected"
    assert "convert: ptq refused: the file is worse than its float model" in captured.err
    assert row["layers"], "a failed parity gate explains itself layer by layer"
    after = _folder_of(good)
    for name in ("compact-ptq.tflite", "compact-ptq.tflite.sha256"):
        assert after[name] == before[name]
    assert after["compact-ptq.rejected.tflite"][4:8] == b"TFL3"
    page = after["report.html"].decode()
    assert "Refused: the file is worse" in page
    assert not re.search(r'(src|href)="(?!data:)', page), "the page must need no network and no other file"


def test_same_inputs_and_seed_give_the_same_bundle(
    conversion: Conversion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convert.formats.export import export_ptq

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    wide = dataclasses.replace(conversion.options, budget=Budget(recall_films=9, accuracy=1, flips=1, auc=1))
    contents = []
    for name in ("first", "second"):
        model = export_ptq(conversion.source.model, conversion.source.training.pixels)
        options = dataclasses.replace(wide, out=tmp_path / name)
        accept(dataclasses.replace(conversion, options=options), "ptq", model)
        contents.append(_folder_of(tmp_path / name))
    assert contents[0] == contents[1]
    assert read_bundle(tmp_path / "first/compact-ptq.tflite").card.created == "2023-11-14"


def test_card_records_the_budget_and_no_name_of_a_film(conversion: Conversion, ptq_file: bytes, tmp_path: Path) -> None:
    budget = Budget(recall_films=7, accuracy=0.5, flips=0.5, auc=0.5)
    options = dataclasses.replace(conversion.options, out=tmp_path, budget=budget)
    card = read_bundle(accept(dataclasses.replace(conversion, options=options), "ptq", ptq_file).path).card
    assert card.parity["budget"] == dataclasses.asdict(budget)
    assert set(card.parity["runtimes"]) == set(conversion.runtimes)
    assert card.features["validation"]["refused"] == 0, "a film that the limits were drawn from"
    chain = conversion.source.chain
    assert chain is not None
    heights = [
        field.as_fractions(*size)[3] - field.as_fractions(*size)[1]
        for field, size in zip(chain.fields(conversion.runtimes[0]), chain.sizes, strict=True)
        if field
    ]
    expected = {"films": len(heights), "mean": statistics.fmean(heights), "spread": statistics.stdev(heights)}
    assert card.lung_field_statistics["height"] == pytest.approx(expected)
    assert 0.3 < card.lung_field_statistics["width"]["mean"] < 1
    text = card.to_json()
    assert not any(film.name in text for film in conversion.source.validation.films)


def test_ptq_that_does_better_at_the_gate_is_recommended() -> None:
    def row(name: str, flips: int, error: float, status: str = "ok") -> dict[str, Any]:
        return {"format": name, "status": status, "parity": [{"flips": [0] * flips, "logit_error_mean": error}]}

    assert qat_verdict([row("int8", 0, 0.1), row("ptq", 0, 0.2)]) is None
    assert "consider the ptq bundle" in str(qat_verdict([row("int8", 2, 0.1), row("ptq", 1, 0.2)]))
    assert "consider the ptq bundle" in str(qat_verdict([row("int8", 0, 0.3), row("ptq", 0, 0.2)]))
    assert "rejected" in str(qat_verdict([row("int8", 0, 0.1, "rejected"), row("ptq", 1, 0.2)]))
    assert qat_verdict([row("int8", 0, 0.3)]) is None


def test_every_option_is_documented_and_every_documented_option_exists() -> None:
    text = (REPOSITORY / "docs/reference/convert.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text))
    options = {word for action in build_parser()._actions for word in action.option_strings if word.startswith("--")}
    assert documented == options - {"--help", "--version"}


@pytest.mark.slow
def test_all_formats_come_out_of_one_command(options: ConvertOptions, tmp_path: Path) -> None:
    wide = Budget(recall_films=9, accuracy=1, flips=1, auc=1)
    qat = QatOptions(epochs=1, batch_size=16)
    every = dataclasses.replace(options, out=tmp_path, formats=tuple(FORMATS), budget=wide, qat=qat, debug=True)
    rows = convert_all(every)
    assert {row["format"]: row["status"] for row in rows} == dict.fromkeys(FORMATS, "ok")
    for row in rows:
        assert read_bundle(Path(row["path"])).card.parity["model_sha256"]
