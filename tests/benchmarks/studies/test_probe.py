import numpy as np

from benchmarks.studies.probe import ProbeOptions, probe, shortcut_statistics
from edge_app.imaging.phantom import PhantomStyle, draw_phantom, phantom_png, write_phantom_set
from edge_app.imaging.preprocess import to_model_pixels


def test_statistics_by_hand() -> None:
    # Rows of 0 and 200 in turn: every step down is 200, every step across 0.
    stripes = np.tile(np.array([[0], [200]], dtype=np.uint8), (8, 16))[None]
    found = shortcut_statistics(stripes)[0]
    assert (found[0], found[1]) == (200.0, 0.0)
    assert (found[3], found[4]) == (0.0, 0.0)  # two pixels apart the rows are equal
    assert (found[6], found[7]) == (100.0, 100.0)


def test_two_makers_are_distinguished_without_the_lungs(tmp_path) -> None:
    """Normal films from one maker, pneumonia from another: the probe must detect it, but not after redrawing."""
    write_phantom_set(tmp_path, films_per_class=60, style=PhantomStyle(noise=1.0))
    for seed, path in enumerate(sorted((tmp_path / "train" / "NORMAL").iterdir())):
        path.write_bytes(phantom_png("normal", 5000 + seed, PhantomStyle(width_px=512, height_px=448, noise=9.0)))
    found = probe(ProbeOptions(str(tmp_path)))
    assert found["random"].value > 0.95
    assert found["shortcut-free"].value < found["random"].value
    assert found["shortcut-swapped"].value < found["shortcut-free"].value


def test_statistics_have_no_gaps() -> None:
    pixels = np.stack([to_model_pixels(draw_phantom("viral", seed), 64) for seed in range(3)])
    assert np.isfinite(shortcut_statistics(pixels)).all()
