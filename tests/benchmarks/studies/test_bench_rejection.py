"""`benchmarks rejection`: every kind is counted, and its command says when too many films are refused."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.__main__ import main
from benchmarks.studies import rejection, wrong_pictures
from edge_app.errors import DataError
from edge_app.imaging.phantom import draw_phantom
from edge_app.reading.predictor import Predictor


def test_command_counts_every_kind(tmp_path, capsys):
    others = tmp_path / "others" / "colour photographs"
    others.mkdir(parents=True)
    colours = np.zeros((200, 200, 3), dtype=np.uint8)
    colours[:, :100, 0], colours[:, 100:, 2] = 220, 220
    Image.fromarray(colours).save(others / "two.png")
    words = ["rejection", "--quick", "--json", "--others", str(others.parent), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "out" / "rejection.json").read_text()) == result
    rows = {row["kind"]: row for row in result["rows"]}
    assert set(wrong_pictures.CHANGES) | {"blank", "noise", "gray ramp", "clouds", "colour photographs"} == set(rows)
    for row in rows.values():
        assert row["passed"] + row["warned"] + row["refused"] == pytest.approx(1)
    assert rows["as they are"]["refused"] == 0
    assert rows["inverted"]["codes"] == {"inverted": rejection.QUICK}
    assert rows["blank"]["codes"] == {"blank": rejection.QUICK}
    assert rows["colour photographs"]["codes"] == {"colour_picture": 1}
    assert "| inverted | 12 | 0.0% | 0.0% | 100.0% | inverted 12 |" in (tmp_path / "out" / "rejection.md").read_text()


def test_outcome_distinguishes_warned_from_refused(shipped):
    predictor, film = Predictor(shipped), draw_phantom("normal", 2)
    dark = (film * 0.35).astype(np.uint8)
    verdict, codes = rejection.outcome(predictor, dark)
    assert (verdict, "dark" in codes) == ("warned", True)
    assert rejection.outcome(predictor, b"no film") == ("refused", ("not_an_image",))


def test_folder_without_kinds_is_a_clear_error(tmp_path):
    with pytest.raises(DataError, match="holds no folder"):
        list(wrong_pictures.other_kinds(tmp_path / "nowhere"))
