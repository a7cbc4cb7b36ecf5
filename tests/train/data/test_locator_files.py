"""The locator's folder: three files that belong together, or one clear error."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from edge_app.errors import DataError
from edge_app.system.files import sha256_of
from train.data.locator_files import FIGURES, FLOAT32, INT8, NAMES, SHIPPED, LocatorFiles, find_locator, preparation_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped locator."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "locator"))


def _refusal(folder: Path) -> str:
    with pytest.raises(DataError) as refused:
        find_locator(folder)
    message = str(refused.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_shipped_locator_is_the_default_and_none_means_whole_films() -> None:
    shipped = find_locator(None)
    assert shipped is not None
    assert shipped.sha256 == sha256_of((SHIPPED / INT8).read_bytes())
    assert find_locator("none") is None
    assert preparation_of(64, None).locator is None
    assert preparation_of(64, shipped).locator.input_size_px == shipped.input_size_px


def test_what_is_written_is_found_again(tmp_path: Path) -> None:
    shipped = find_locator(None)
    assert shipped is not None
    shipped.write(tmp_path / "again")
    assert find_locator(tmp_path / "again") == shipped


@pytest.mark.parametrize("name", NAMES)
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    message = _refusal(folder)
    assert f"{name} is missing" in message
    assert "--locator" in message


@pytest.mark.parametrize("name", [INT8, FLOAT32])
def test_damaged_network_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    assert "one is damaged: run convert --locator again" in _refusal(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"sha256": "one for both"}', b"null"])
def test_damaged_figures_are_refused(folder: Path, content: bytes) -> None:
    (folder / FIGURES).write_bytes(content)
    assert "run convert --locator again" in _refusal(folder)


@pytest.mark.parametrize("name", NAMES)
def test_file_of_another_locator_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    """The other one is sound by itself; only together they are wrong."""
    shipped = find_locator(folder)
    assert shipped is not None
    another(shipped).write(tmp_path / "other")
    assert find_locator(tmp_path / "other") is not None
    shutil.copyfile(tmp_path / "other" / name, folder / name)
    assert "mixes the files of two locators" in _refusal(folder)


def another(locator: LocatorFiles) -> LocatorFiles:
    """A sound locator with other files: a byte more at the end of each, which no runtime reads."""
    int8, float32 = locator.int8 + b"\0", locator.float32 + b"\0"
    hashes = {"int8": sha256_of(int8), "float32": sha256_of(float32)}
    return dataclasses.replace(locator, int8=int8, float32=float32, figures=locator.figures | {"sha256": hashes})


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locator").write_text("no folder")
    _refusal(tmp_path / "locator")


def test_card_says_whose_masks_a_locator_learned_from_and_not_how_it_was_trained(folder: Path) -> None:
    found = find_locator(folder)
    assert found is not None
    card = found.to_card()
    assert card["sha256"] == found.sha256
    assert {"input_size_px", "masks_attribution", "masks_licence"} <= set(card)
    assert "training" not in card
    json.dumps(card)
