"""Files of 0.3.0 still open: its bundle and its record, both made by that version on drawn films."""

import json
import shutil
from pathlib import Path

import pytest
from tests_support import REPOSITORY

from edge_app.imaging.phantom import LABELS, phantom_png
from edge_app.model.bundle import read_bundle
from edge_app.reading.predictor import Predictor
from edge_app.records.database import Store, open_store
from edge_app.records.export import to_json
from edge_app.records.readers import check_reader

MADE_BY_0_3_0 = REPOSITORY / "tests" / "fixtures" / "0.3.0"
SCORES = (0.892, 0.899, 0.940)  # of phantoms 40 to 42, as 0.3.0 gave them


@pytest.fixture
def record(tmp_path: Path) -> Store:
    """The record of 0.3.0, opened from a copy: opening may bring its schema up to date."""
    shutil.copy(MADE_BY_0_3_0 / "records.sqlite3", tmp_path)
    return open_store(tmp_path)


def test_every_row_of_the_record_reads_as_it_did(record: Store) -> None:
    expected = json.loads((MADE_BY_0_3_0 / "records.json").read_text(encoding="utf-8"))
    rows = json.loads(to_json(record.records()))
    assert [{key: row[key] for key in before} for row, before in zip(rows, expected, strict=True)] == expected
    assert record.set_aside is None


def test_its_audit_log_is_whole_and_its_readers_may_sign(record: Store) -> None:
    log = record.audit_log()
    assert (len(log), log[-1].action) == (24, "sealed")
    assert record.check() == []
    assert check_reader(record, "ab", "24680").initials == "AB"


def test_its_bundle_scores_as_it_did() -> None:
    predictor = Predictor(read_bundle(MADE_BY_0_3_0 / "compact-int8.tflite"))
    decisions = [predictor.answer(phantom_png(LABELS[index], 40 + index)).decision for index in range(3)]
    assert [round(decision.p_finding, 3) for decision in decisions] == pytest.approx(SCORES, abs=0.005)
    assert {decision.decision for decision in decisions} == {"pneumonia"}
