"""Damaged films get a typed refusal or a clean decode, in a process with little memory; never a traceback."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests_support import run_python

from edge_app.errors import FilmUnreadable
from edge_app.imaging.film import read_film
from edge_app.imaging.formats.registry import film_formats

WORKER = Path(__file__).with_name("film_worker.py")
PER_FORMAT = 500
MANY_PER_FORMAT = 20_000
SEED = 20261121


def read_damaged(kind, seed, count):
    worker = run_python(str(WORKER), kind, str(seed), str(count))
    assert worker.returncode == 0, f"the worker died ({worker.returncode}): {worker.stderr[-2000:]}"
    result = json.loads(worker.stdout)
    assert result["untyped"] == []
    assert sum(result["outcomes"].values()) == count
    return result["outcomes"]


@pytest.mark.parametrize("kind", [film_format.name for film_format in film_formats()])
def test_damaged_films_are_refused_with_a_code_or_decoded_whole(kind, tally):
    outcomes = read_damaged(kind, SEED, PER_FORMAT)
    assert outcomes["damaged"] > PER_FORMAT / 10  # the damage is real
    assert "wrong" not in outcomes
    decoded = outcomes.get("ok", 0)
    tally(seed=SEED, films_damaged=PER_FORMAT, decoded=decoded, refused=PER_FORMAT - decoded, untyped=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [film_format.name for film_format in film_formats()])
def test_many_damaged_films_are_refused_with_a_code_or_decoded_whole(kind, tally):
    decoded = read_damaged(kind, SEED + 1, MANY_PER_FORMAT).get("ok", 0)
    tally(seed=SEED + 1, films_damaged=MANY_PER_FORMAT, decoded=decoded, refused=MANY_PER_FORMAT - decoded, untyped=0)


def test_a_film_too_large_for_the_memory_is_refused_and_the_process_lives(tmp_path):
    Image.fromarray(np.tile(np.arange(100, dtype=np.uint8), (6000, 60))).convert("RGBA").save(
        tmp_path / "large.png", compress_level=1
    )
    script = (
        "import resource, sys\n"
        "from edge_app.imaging.film import read_film; from edge_app.errors import FilmUnreadable\n"
        "resource.setrlimit(resource.RLIMIT_AS, (300 * 2**20, 300 * 2**20))\n"
        "try: read_film(__import__('pathlib').Path(sys.argv[1]))\n"
        "except FilmUnreadable as error: print(error.code)\n"
    )
    child = run_python("-c", script, str(tmp_path / "large.png"), OPENBLAS_NUM_THREADS="1")
    assert (child.stdout.strip(), child.returncode) == ("no_memory", 0), child.stderr


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_float_film_with_a_value_that_is_not_a_number_is_refused(tmp_path, value):
    values = np.tile(np.arange(128, dtype=np.float32), (128, 1))
    values[5, 5] = value
    Image.fromarray(values).save(tmp_path / "film.tif")
    with pytest.raises(FilmUnreadable, match="not numbers"):
        read_film(tmp_path / "film.tif")


def test_a_16_bit_film_keeps_its_range_over_all_its_rows(tmp_path):
    """Scaled a few rows at a time, by the range of the whole: worked out by hand."""
    values = np.linspace(100, 4_195, 1_000).round().astype(np.uint16)
    film = np.repeat(values[:, None], 256, axis=1)
    Image.fromarray(film).save(tmp_path / "film.png")
    expected = np.round((film.astype(np.float64) - 100) * 255 / 4_095).astype(np.uint8)
    assert np.abs(read_film(tmp_path / "film.png").pixels.astype(int) - expected).max() <= 1
    assert read_film(tmp_path / "film.png").pixels[[0, -1], 0].tolist() == [0, 255]
