"""Training the locator on a few phantoms: what it writes, and its loss."""

import json
from pathlib import Path

import numpy as np
import pytest
from masked_phantoms import write_masked_phantoms

from edge_app.errors import DataError
from edge_app.imaging.lung_field import FULL, lung_field
from train.__main__ import main
from train.data.lung_masks import MaskedFilms
from train.data.lungs.draws import Drawn, draw_batch
from train.data.lungs.geometry import CLOSING, LocatorRanges
from train.keras import keras, tf
from train.networks.locator import locator_logits
from train.training import locator
from train.training.locator import FIGURES, MODEL, LocatorOptions, ends_error, mask_loss, train_locator


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Phantoms of 4 children a class, two films each, and their masks."""
    return write_masked_phantoms(tmp_path_factory.mktemp("phantoms"), films_per_class=8)


def _words(folders: tuple[Path, Path], out: Path) -> list[str]:
    data, masks = map(str, folders)
    return ["locator", "--data", data, "--masks", masks, "--out", str(out), "--size", "32", "--steps", "3"]


def test_run_folder_is_complete_repeats_by_seed_and_is_not_overwritten_unasked(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_words(folders, tmp_path / "run")) == 0
    assert f"written to {tmp_path / 'run'}" in capsys.readouterr().out
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == ["history.json", FIGURES, MODEL]
    figures = json.loads((tmp_path / "run" / FIGURES).read_text(encoding="utf-8"))
    assert figures["options"]["steps"] == 3
    assert figures["float"]["all_films"]["films"] == 24
    assert set(figures["float"]) == {"masks", "reframed", "painted", "no_lungs", "all_films"}
    model = keras.models.load_model(tmp_path / "run" / MODEL, compile=False)
    assert locator_logits(model, np.zeros((1, 32, 32), np.uint8)).shape == (1, 16, 16)

    before = (tmp_path / "run" / MODEL).read_bytes()
    assert main(_words(folders, tmp_path / "run")) == 1
    assert "holds files already" in capsys.readouterr().err
    assert (tmp_path / "run" / MODEL).read_bytes() == before

    assert main([*_words(folders, tmp_path / "run"), "--overwrite", "--json"]) == 0
    again = keras.models.load_model(tmp_path / "run" / MODEL, compile=False)
    for weight, same in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.allclose(weight, same, atol=1e-4)  # by its seed a run repeats


def test_masks_that_do_not_fit_end_in_one_line_and_no_run(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_words((folders[0], tmp_path / "nowhere"), tmp_path / "run")) == 1
    assert capsys.readouterr().err.startswith("train: no lung masks at")
    assert not (tmp_path / "run" / FIGURES).exists()


def test_no_steps_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected at least 1"):
        train_locator(LocatorOptions(tmp_path, str(folders[0]), folders[1], steps=0))


def test_ends_of_the_loss_are_those_of_the_device() -> None:
    # Lungs of 10 to 29 against 14 to 29, of 40 cells: the first end differs by 4 cells in width, no other does.
    coverage = np.zeros((1, 40, 40, 1), np.float32)
    coverage[0, 8:32, 10:30] = 1
    narrower = np.full_like(coverage, -9)
    narrower[0, 8:32, 14:30] = 9
    error = float(ends_error(tf.constant(coverage), tf.constant(narrower))[0])
    # The mean place of the outermost 2% lies 1% of the width inside.
    assert error == pytest.approx((4 - 0.2 + 0.16) / 40 / 4 + (0.2 - 0.16) / 40 / 4, abs=1e-4)
    wide, narrow = (
        lung_field((cells[0, ..., 0] > 0).astype(np.uint8) * FULL, 4000, 4000) for cells in (coverage, narrower)
    )
    assert narrow.left - wide.left == pytest.approx(400, abs=60)


def test_loss_is_least_where_logits_say_the_mask() -> None:
    coverage = np.zeros((2, 20, 20, 1), np.float32)
    coverage[0, 4:16, 3:17] = 1  # the second has no lungs
    right = tf.constant(coverage * 18 - 9)
    losses = [mask_loss(tf.constant(coverage), logits).numpy() for logits in (right, tf.zeros_like(right), -right)]
    assert (losses[0] < 0.01).all()
    assert (losses[0] < losses[1]).all()
    assert (losses[1] < losses[2]).all()


def test_training_ends_on_films_nearer_to_what_comes(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = {}

    def noted(films: MaskedFilms, ranges: LocatorRanges, side: int, count: int, seed: tuple[int, int]) -> Drawn:
        drawn[seed[1]] = ranges
        return draw_batch(films, ranges, side, count, seed)

    monkeypatch.setattr(locator, "draw_batch", noted)
    train_locator(LocatorOptions(tmp_path / "run", str(folders[0]), folders[1], 10, input_size_px=32, batch_size=2))
    assert [drawn[step] for step in range(10)] == [LocatorRanges()] * 5 + [CLOSING] * 5
    stronger = [name for name in vars(CLOSING) if getattr(CLOSING, name) > getattr(LocatorRanges(), name)]
    assert stronger == []
