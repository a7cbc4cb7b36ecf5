import numpy as np
import pytest

from edge_app.reading.evidence import FULL_EVIDENCE, EvidencePlace, evidence_map, evidence_place


def test_evidence_by_hand() -> None:
    # Logits (normal, bacterial, viral) at temperature 2. First place: log(e^15 + e^15) - 0 = 15.693,
    # over 15: full. Second: log(e^3 + e^3) - 0 = 3.693. Third indicates normal.
    class_map = np.array([[[0, 30, 30], [0, 6, 6], [10, 0, 0]]], dtype=np.float32)
    evidence = evidence_map(class_map, negative_index=0, temperature=2.0)
    assert evidence.tolist() == [[1.0, pytest.approx(3.6931 / FULL_EVIDENCE, abs=1e-4), 0.0]]


def test_place_by_hand() -> None:
    # Seven cells a side, as the shipped model's: the left of the picture is the patient's right.
    evidence = np.zeros((7, 7))
    evidence[6, 1] = 1.0
    assert evidence_place(evidence) == EvidencePlace("right", "lower")
    evidence[6, 5] = 0.6  # 0.625 of all lies on the right: not enough for one side
    assert evidence_place(evidence) == EvidencePlace("both", "lower")
    evidence[0, 5] = 1.7  # 1.6 below, 1.7 above; 1.0 right, 2.3 left
    assert evidence_place(evidence) == EvidencePlace("left", "upper")
    evidence[3, 5] = 0.2  # under half in any third
    assert evidence_place(evidence) == EvidencePlace("left", "all")


def test_no_evidence_has_no_place() -> None:
    assert evidence_place(np.zeros((7, 7))) is None
