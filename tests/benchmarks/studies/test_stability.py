"""Full-size films against their small twins."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.__main__ import main
from benchmarks.studies.stability import compare_predictions, film_pairs, median_with_interval
from edge_app.errors import DataError
from edge_app.imaging.phantom import PhantomStyle, write_phantom_set


@pytest.fixture(scope="module")
def originals_and_twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Phantoms of some size as JPEG, and the same squashed to 224 px."""
    large, small = tmp_path_factory.mktemp("large"), tmp_path_factory.mktemp("small")
    write_phantom_set(large, films_per_class=4, style=PhantomStyle(width_px=900, height_px=700))
    for path in sorted(large.rglob("*.png")):
        twin = small / path.relative_to(large)
        twin.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).resize((224, 224), Image.Resampling.BILINEAR).save(twin)
    return str(large), str(small)


def test_shipped_bundle_scores_original_and_twin_alike(shipped, originals_and_twins, tmp_path: Path, capsys) -> None:
    large, small = originals_and_twins
    words = ["stability", str(shipped.path), "--data", large, "--twins", small, "--out", str(tmp_path / "s.json")]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((tmp_path / "s.json").read_text())
    assert found["pairs"] == 12
    assert 0 <= found["median_change"]["low"] <= found["median_change"]["value"] < 0.02
    assert not any(path.name in json.dumps(found) for path in Path(small).rglob("*.png"))


def test_film_against_itself_does_not_move(shipped, originals_and_twins, capsys) -> None:
    _, small = originals_and_twins
    assert main(["stability", str(shipped.path), "--data", small, "--twins", small, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["max_change"] == 0


def test_films_without_twins_are_an_error(originals_and_twins, tmp_path: Path) -> None:
    write_phantom_set(tmp_path, films_per_class=2, seed=9)
    for path in sorted(tmp_path.rglob("*.png")):
        path.rename(path.with_name(path.stem + "b.png"))
    with pytest.raises(DataError, match="has a twin"):
        film_pairs(originals_and_twins[0], str(tmp_path))


def test_changes_are_counted_and_compared_with_the_limit() -> None:
    found = compare_predictions(np.array([0.1, 0.4, 0.9, 0.5]), np.array([0.1, 0.6, 0.8, 0.5]), threshold=0.5)
    assert found["decisions_changed"] == 1
    assert found["max_change"] == pytest.approx(0.2)
    assert found["median_change"]["value"] == pytest.approx(0.05)
    assert not found["holds"]


def test_median_interval_is_that_of_the_tables() -> None:
    # Conover, Practical Nonparametric Statistics, 95%: of 20 values the 6th and the 15th.
    median = median_with_interval(np.arange(1, 21, dtype=float))
    assert (median.low, median.value, median.high) == (6.0, 10.5, 15.0)
