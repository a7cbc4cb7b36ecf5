import json

import numpy as np
import pytest
from PIL import Image

import benchmarks.studies.probe
from benchmarks.__main__ import main
from benchmarks.studies.probe import ProbeOptions, framing_statistics, probe, shortcut_statistics
from edge_app.imaging.phantom import PhantomStyle, draw_phantom, phantom_png, write_phantom_set
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.preparation import Preparation


def test_statistics_by_hand() -> None:
    # Rows of 0 and 200 in turn: every step down is 200, every step across 0.
    stripes = np.tile(np.array([[0], [200]], dtype=np.uint8), (8, 16))[None]
    found = shortcut_statistics(stripes)[0]
    assert (found[0], found[1]) == (200.0, 0.0)
    assert (found[3], found[4]) == (0.0, 0.0)  # two pixels apart the rows are equal
    assert (found[6], found[7]) == (100.0, 100.0)


@pytest.mark.slow
def test_two_makers_are_distinguished_without_the_lungs(tmp_path) -> None:
    """Normal films from one maker, pneumonia from another: the probe must detect it, but not after redrawing."""
    write_phantom_set(tmp_path, films_per_class=60, style=PhantomStyle(noise=1.0))
    for seed, path in enumerate(sorted((tmp_path / "train" / "NORMAL").iterdir())):
        path.write_bytes(phantom_png("normal", 5000 + seed, PhantomStyle(width_px=512, height_px=448, noise=9.0)))
    found = probe(ProbeOptions(str(tmp_path)))
    assert set(found) == {"whole film", "framing", "lung field"}
    for view in ("whole film", "lung field"):  # a crop is as sharp and as noisy as its film
        assert found[view]["random"]["value"] > 0.95, view
        assert found[view]["shortcut-free"]["value"] < found[view]["random"]["value"], view
        assert found[view]["shortcut-swapped"]["value"] < found[view]["shortcut-free"]["value"], view
    assert found["framing"]["random"]["value"] < 0.85, "both makers frame their films alike"


@pytest.mark.slow
def test_two_framings_are_distinguished_by_the_lung_field_alone(tmp_path, capsys) -> None:
    """Films of pneumonia cut closer to the lungs: the framing tells the classes, and the wrong ones once reframed."""
    write_phantom_set(tmp_path, films_per_class=40)
    for path in (tmp_path / "train" / "PNEUMONIA").iterdir():
        with Image.open(path) as film:
            film.crop((26, 22, film.width - 26, film.height - 22)).save(path)
    assert main(["probe", "--data", str(tmp_path), "--out", str(tmp_path / "probe.json")]) == 0
    framing = {name: auc["value"] for name, auc in json.loads((tmp_path / "probe.json").read_text())["framing"].items()}
    assert "| reframed | " in capsys.readouterr().out
    assert framing["random"] > 0.95
    assert framing["shortcut-swapped"] > 0.95, "the sharpness is no part of the framing"
    assert framing["reframed"] < 0.2


def test_framing_is_height_width_and_middle_of_the_lung_field(monkeypatch) -> None:
    boxes = np.array([[0.1, 0.2, 0.5, 0.9], [0.0, 0.0, 1.0, 1.0]])
    monkeypatch.setattr(benchmarks.studies.probe, "boxes_of", lambda films, preparation: boxes)
    found = framing_statistics(np.zeros((2, 8, 8), np.uint8), Preparation(8))
    assert np.allclose(found, [[0.7, 0.4, 0.55, 0.3], [1.0, 1.0, 0.5, 0.5]])


def test_statistics_have_no_gaps() -> None:
    pixels = np.stack([to_model_pixels(draw_phantom("viral", seed), 64) for seed in range(3)])
    assert np.isfinite(shortcut_statistics(pixels)).all()
