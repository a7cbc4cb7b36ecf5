"""`convert --locator`: what it writes, and an int8 file that is not what its float model is."""

import json
from pathlib import Path
from typing import Any

import pytest
from drawn_locators import SIDE_PX, blind_locator, dark_is_lung, write_drawn_films, write_locator_run

import convert.locator
from convert.__main__ import main
from convert.formats.export import export_ptq
from convert.locator import LocatorConversion, convert_locator
from edge_app.errors import DataError, GateError, RuntimeUnavailable
from train.data.locator_files import NAMES, find_locator, preparation_of
from train.data.sources import find_data
from train.training.locator import FIGURES


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_drawn_films(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def trained(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model.keras of a finished locator."""
    return write_locator_run(tmp_path_factory.mktemp("locator"), dark_is_lung(), *folders)


@pytest.fixture(scope="module")
def converted(
    trained: Path, folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """The folder that `convert --locator` wrote, and its figures."""
    out = tmp_path_factory.mktemp("converted")
    return out, convert_locator(LocatorConversion(trained, out, folders[1], str(folders[0])))


def test_locator_whose_int8_boxes_stay_is_written_for_train_fit(
    converted: tuple[Path, dict[str, Any]], folders: tuple[Path, Path], runtimes: list[str]
) -> None:
    out, figures = converted
    assert {path.name for path in out.iterdir()} == set(NAMES)
    found = find_locator(out)
    assert found is not None
    assert found.figures == json.loads(json.dumps(figures))
    assert found.input_size_px == SIDE_PX
    assert set(figures["int8"]) == set(runtimes)
    assert set(figures["agreement"]) >= {f"float and {runtime}" for runtime in runtimes}
    for seen in figures["agreement"].values():
        assert (seen["films"], seen["found_by_one_only"], seen["within_one_step"]) == (24, 0, 1.0)
    preparation = preparation_of(64, found)
    for film in find_data(str(folders[0])).films:
        pixels, located = preparation.prepare(film.read().pixels)
        assert pixels.shape == (64, 64)
        assert located is not None
        assert located.field.right - located.field.left < 200


def _another_threshold(model: Any, pixels: Any) -> bytes:
    """The lungs end elsewhere for it: in the soft edge, but not where the float model ends them."""
    return export_ptq(dark_is_lung(threshold=70), pixels)


def _spoiled(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    monkeypatch.setattr(convert.locator, "export_ptq", make)


def test_locator_whose_int8_boxes_move_is_refused_and_earlier_files_stay(
    converted: tuple[Path, dict[str, Any]],
    trained: Path,
    folders: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, _ = converted
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    _spoiled(monkeypatch, _another_threshold)
    with pytest.raises(GateError, match=r"float and \S+ disagree: .* boxes move by more than one step"):
        convert_locator(LocatorConversion(trained, out, folders[1], str(folders[0]), overwrite=True))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_moved_boxes_are_one_line_and_exit_1_for_the_command(
    trained: Path,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _spoiled(monkeypatch, _another_threshold)
    films, masks = map(str, folders)
    words = ["--model", str(trained), "--data", films, "--masks", masks, "--out", str(tmp_path / "o")]
    assert main(["--locator", *words]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    last = captured.err.splitlines()[-1]
    assert last.startswith("convert: float and ")
    assert "train the locator longer" in last
    assert not (tmp_path / "o").exists()


def test_locator_whose_int8_file_finds_nothing_is_refused(
    trained: Path, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _spoiled(monkeypatch, lambda model, pixels: export_ptq(blind_locator(), pixels))
    with pytest.raises(GateError, match="only one finds a field on 24 films, expected 0"):
        convert_locator(LocatorConversion(trained, tmp_path / "out", folders[1], str(folders[0])))
    assert not (tmp_path / "out").exists()


def test_locator_that_was_trained_too_little_to_find_anything_is_refused(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    blind = write_locator_run(tmp_path / "run", blind_locator(), *folders)
    with pytest.raises(GateError, match=r"finds lungs on 0.0% of the films, .*: train the locator longer"):
        convert_locator(LocatorConversion(blind, tmp_path / "out", folders[1], str(folders[0])))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("hashed", "message"),
    [
        ("manifest_sha256", "learned from other films or masks"),
        ("masks_sha256", "learned from other films or masks"),
        ("model_sha256", "is not the locator that the locator.json beside it describes"),
    ],
)
def test_locator_of_other_films_masks_or_figures_is_refused(
    trained: Path, folders: tuple[Path, Path], tmp_path: Path, hashed: str, message: str
) -> None:
    figures = json.loads(trained.with_name(FIGURES).read_text())
    (tmp_path / "model.keras").write_bytes(trained.read_bytes())
    (tmp_path / FIGURES).write_text(json.dumps(figures | {hashed: "of another"}))
    with pytest.raises(DataError, match=message):
        convert_locator(LocatorConversion(tmp_path / "model.keras", tmp_path / "out", folders[1], str(folders[0])))
    assert not (tmp_path / "out").exists()


def test_locator_is_not_converted_where_no_runtime_could_check_it(
    trained: Path, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert.locator, "installed_runtimes", list)
    with pytest.raises(RuntimeUnavailable, match="the gates need"):
        convert_locator(LocatorConversion(trained, tmp_path / "out", folders[1], str(folders[0])))


def test_locator_without_its_masks_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--locator"])
    assert stopped.value.code == 2
    assert "--locator needs --masks" in capsys.readouterr().err


def test_folder_that_is_no_finished_locator_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run train locator first"):
        convert_locator(LocatorConversion(tmp_path / "model.keras", tmp_path / "out", folders[1], str(folders[0])))
