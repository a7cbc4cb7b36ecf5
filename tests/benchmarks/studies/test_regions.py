"""Frame and chest: what is hidden, what stays, and the figures of a network that sees only the chest."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.studies.occlusion import (
    CHANGES,
    OcclusionOptions,
    frame_of,
    measure_occlusion,
    turned,
    with_marker,
)
from edge_app.imaging.phantom import write_phantom_set
from edge_app.model.bundle import read_bundle, shipped_bundle_path
from edge_app.model.preparation import Preparation
from edge_app.model.runtimes.interpreter import Outputs
from train.data.loading import load_films
from train.data.locator_files import find_locator, preparation_of
from train.data.sources import find_data
from train.data.split import SplitRule, split_films, write_manifest

FILMS = np.random.default_rng(1).integers(0, 200, (2, 64, 64)).astype(np.uint8)


def test_the_frame_is_an_eighth_of_each_side() -> None:
    frame = frame_of((8, 8))
    assert frame.sum() == 28  # the outer ring of 8 x 8 cells
    assert not frame[1:-1, 1:-1].any()


def test_what_is_hidden_is_gray_and_what_is_not_is_as_it_was() -> None:
    frame = frame_of((64, 64))
    for hidden, cells in ((CHANGES["frame hidden"](FILMS), frame), (CHANGES["chest hidden"](FILMS), ~frame)):
        for film, before in zip(hidden, FILMS, strict=True):
            assert np.array_equal(film[~cells], before[~cells])
            assert np.unique(film[cells]).tolist() == [int(np.median(before))]


def test_a_marker_lies_in_the_corner() -> None:
    rows, columns = np.nonzero((with_marker(FILMS) != FILMS).any(axis=0))
    assert len(rows) > 10
    assert max(rows) < 16
    assert max(columns) < 16


def test_films_are_mirrored_and_turned_about_their_middle() -> None:
    assert np.array_equal(CHANGES["mirrored"](FILMS)[:, :, 0], FILMS[:, :, -1])
    drawn = np.zeros((1, 64, 64), np.uint8)
    drawn[0, 8:12, 30:34] = 200  # above the middle
    assert np.array_equal(turned(drawn, 90)[0], np.rot90(drawn[0]))
    centre = np.average(np.argwhere(turned(drawn, 10)[0]), axis=0)
    assert centre[1] < 29  # to the left
    assert 8 < centre[0] < 12


class SeesOnlyTheChest:
    """Calls a film pneumonia by the gray of its middle, and says so in the middle of its class map."""

    card = read_bundle(shipped_bundle_path()).card
    preparation = preparation_of(card.input_size_px, find_locator(None))

    def infer(self, pixels: np.ndarray) -> Outputs:
        first, last = 7 * len(pixels) // 16, 9 * len(pixels) // 16
        evidence = 30 * (pixels[first:last, first:last].mean() / 255 - 0.5)
        class_map = np.zeros((8, 8, 3), np.float32)
        class_map[..., 0] = 1  # elsewhere it indicates normal
        class_map[3:5, 3:5, 1:] = 16 * evidence
        return Outputs(class_map.mean(axis=(0, 1)), class_map, np.zeros(4, np.float32), {})


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> OcclusionOptions:
    """Phantoms with a manifest, for the shipped bundle."""
    folder = tmp_path_factory.mktemp("occlusion")
    write_phantom_set(folder / "films", films_per_class=24)
    data = find_data(str(folder / "films"))
    write_manifest(
        split_films(load_films(data, Preparation(128)), data.name, data.labels, SplitRule()), folder / "manifest.json"
    )
    return OcclusionOptions(shipped_bundle_path(), folder / "manifest.json", str(folder / "films"))


def test_a_network_that_sees_only_the_chest_is_recognised(options: OcclusionOptions) -> None:
    found = measure_occlusion(options, lambda _: SeesOnlyTheChest())  # type: ignore[arg-type, return-value]
    views = found["views"]
    assert views["frame hidden"] == views["a marker put on"] == views["as they are"]
    assert views["as they are"]["share_changed"]["value"] == 0
    assert views["chest hidden"]["auc"] != views["as they are"]["auc"]
    assert found["frame_evidence"]["value"] == 0


def test_command_prints_the_table_and_writes_the_figures(options: OcclusionOptions, tmp_path: Path, capsys) -> None:
    words = ["--manifest", str(options.manifest), "--data", str(options.data), "--out", str(tmp_path / "found.json")]
    assert main(["occlusion", str(options.model), *words]) == 0
    assert "| frame hidden |" in capsys.readouterr().out
    assert json.loads((tmp_path / "found.json").read_text())["films"] > 0
