import numpy as np
import pytest

from edge_app.reading.evidence import FULL_EVIDENCE, evidence_map


def test_evidence_by_hand() -> None:
    # Logits (normal, bacterial, viral) at temperature 2. First place: log(e^15 + e^15) - 0 = 15.693,
    # over 15: full. Second: log(e^3 + e^3) - 0 = 3.693. Third indicates normal.
    class_map = np.array([[[0, 30, 30], [0, 6, 6], [10, 0, 0]]], dtype=np.float32)
    evidence = evidence_map(class_map, negative_index=0, temperature=2.0)
    assert evidence.tolist() == [[1.0, pytest.approx(3.6931 / FULL_EVIDENCE, abs=1e-4), 0.0]]
