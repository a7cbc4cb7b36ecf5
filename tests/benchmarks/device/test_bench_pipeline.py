"""File to answer and cold start: what is measured, and optimizations that must not change a bit."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests_support import run_python

from benchmarks.device import coldstart, pipeline
from benchmarks.device.films import film_bytes
from edge_app.imaging.film import read_film
from edge_app.imaging.formats import pillow
from edge_app.model.runtimes.interpreter import _quantized_levels


def test_every_step_from_file_to_answer_is_timed(tmp_path: Path) -> None:
    done = run_python("-m", "benchmarks", "pipeline", "--quick", "--json", "--side", "512", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    jpeg = next(row for row in result["rows"] if row["format"] == "JPEG")
    assert set(jpeg["steps_ms"]) == set(pipeline.STEPS)
    assert "locate" in jpeg["steps_ms"]
    assert all(ms > 0 for ms in jpeg["steps_ms"].values())
    assert sum(jpeg["steps_ms"].values()) <= 1.5 * jpeg["median_ms"]
    table = pipeline.rows_table(result["rows"]).splitlines()
    assert len({line.count("|") for line in table}) == 1, "each figure stands below its name"
    assert table[0].split(" | ")[2:5] == ["read ms", "locate", "preprocess"]
    assert len(jpeg["rounds"]["floor_ms"]) == pipeline.QUICK_ROUNDS
    assert jpeg["answer_moved"] < 0.05  # reduced-scale decoding must hardly move the answer
    assert result["goals"][0]["why"] == "not measured"  # no 2048 px film was asked for


def test_reduced_decoding_is_compared_with_full_decoding_film_by_film(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "large.jpg").write_bytes(film_bytes("JPEG", 1024))
    (tmp_path / "films" / "broken.jpg").write_bytes(b"no film")
    words = ["pipeline", "--quick", "--json", "--side", "224", "--films", "films"]
    done = run_python("-m", "benchmarks", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["reduced_scale"]
    assert found["films"] == 1
    assert 0 <= found["median"] == found["max"] < 0.05


def test_a_format_that_is_not_read_here_costs_its_own_row_only(tmp_path: Path) -> None:
    (tmp_path / "bad.dcm").write_bytes(b"no film")
    cases = [
        {"name": "bad", "format": "DICOM", "side_px": 1, "path": tmp_path / "bad.dcm"},
        {"name": "gone", "format": "DICOM", "side_px": 2, "cannot_run": "pydicom is not installed"},
    ]
    (tmp_path / "good.jpg").write_bytes(film_bytes("JPEG", 256))
    cases.append({"name": "good", "format": "JPEG", "side_px": 256, "path": tmp_path / "good.jpg", "file_kb": 9})
    code = (
        "import sys, json; from pathlib import Path; from benchmarks.device import pipeline;"
        "from edge_app.reading.predictor import load_predictor; cases = json.loads(sys.argv[1]);"
        "[c.update(path=Path(c['path'])) for c in cases if 'path' in c];"
        "rows = pipeline.measure_cases(load_predictor(), cases, 2, lambda _: None);"
        "print(json.dumps(rows)); pipeline.rows_table(rows)"
    )
    done = run_python("-c", code, json.dumps(cases, default=str), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    bad, gone, good = json.loads(done.stdout)
    assert bad["cannot_run"]
    assert gone["cannot_run"] == "pydicom is not installed"
    assert good["median_ms"] > 0


def test_cold_start_watches_memory_of_the_child_not_of_its_parent(tmp_path: Path) -> None:
    ballast = bytearray(80 * 2**20)
    times = coldstart.start(["-c", "import time; time.sleep(0.1)"], tmp_path, poll_memory=True)
    assert 1 < times["peak_mb"] < 60
    assert times["wall_ms"] > 100  # it slept for that long
    assert times["cpu_ms"] > 0
    assert len(ballast) == 80 * 2**20


def test_a_program_that_cannot_start_says_why_and_the_others_go_on() -> None:
    programs = {"good": ["-c", "pass"], "bad": ["-c", "import no_such_package"]}
    good, bad = coldstart.measure_programs(programs, 1, lambda _: None)
    assert good["starts"] == 1
    assert bad["cannot_run"] == "ModuleNotFoundError: No module named 'no_such_package'"


def test_a_slow_program_is_started_less_often_but_still_timed() -> None:
    (row,) = coldstart.measure_programs({"slow": ["-c", "pass"]}, 6, lambda _: None, max_seconds=0.0)
    assert row["starts"] == coldstart.MIN_STARTS


@pytest.mark.parametrize(("low", "high"), [(0, 65536), (300, 4096), (7, 9), (65535, 65536)])
def test_sixteen_bits_by_table_equal_those_worked_out_pixel_by_pixel(low: int, high: int) -> None:
    values = np.random.default_rng(3).integers(low, high, (90, 100)).astype(np.uint16)
    worked_out = pillow._scaled_to_8_bits(values.astype(np.int32))  # only 16 bits go through a table
    np.testing.assert_array_equal(pillow._scaled_to_8_bits(values), worked_out)


@pytest.mark.parametrize(("scale", "zero_point"), [(1.0, -128), (0.9372, -128), (1 / 255, -3), (1.2345678, 5)])
def test_input_by_table_equals_the_quantization_formula(scale: float, zero_point: int) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (64, 64)).astype(np.uint8)
    levels = _quantized_levels({"dtype": np.int8, "quantization": (scale, zero_point)})[pixels]
    expected = np.clip(np.round(pixels / scale) + zero_point, -128, 127).astype(np.int8)
    np.testing.assert_array_equal(levels, expected)
    assert levels.dtype == np.int8


def test_a_film_at_the_training_size_is_never_decoded_at_reduced_scale() -> None:
    content = film_bytes("JPEG", 224)
    np.testing.assert_array_equal(read_film(content).pixels, read_film(content, min_side_px=256).pixels)


def test_cold_predict_imports_nothing_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "film.jpg").write_bytes(film_bytes("JPEG", 512))
    code = (
        "import sys; from edge_app.__main__ import main; code = main(['predict', 'film.jpg', '--json']);"
        "heavy = {'PIL.PngImagePlugin', 'gradio', 'pydicom', 'tensorflow', 'importlib.metadata'} & set(sys.modules);"
        "print(sorted(heavy), file=sys.stderr); sys.exit(code or bool(heavy))"
    )
    done = run_python("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
