import numpy as np
import pytest

from edge_app.imaging.heatmap import DISPLAY_SIDE_PX, FULL_EVIDENCE, evidence_map, overlay


def test_evidence_by_hand() -> None:
    # Logits (normal, bacterial, viral) at temperature 2. First place: log(e^15 + e^15) - 0 = 15.693,
    # over 15: full. Second: log(e^3 + e^3) - 0 = 3.693. Third speaks for normal.
    class_map = np.array([[[0, 30, 30], [0, 6, 6], [10, 0, 0]]], dtype=np.float32)
    evidence = evidence_map(class_map, negative_index=0, temperature=2.0)
    assert evidence.tolist() == [[1.0, pytest.approx(3.6931 / FULL_EVIDENCE, abs=1e-4), 0.0]]


def test_film_without_evidence_stays_gray() -> None:
    film = np.tile(np.arange(200, dtype=np.uint8), (200, 1))
    shown = np.asarray(overlay(film, np.zeros((5, 5))))
    assert np.array_equal(shown, np.repeat(film[:, :, None], 3, axis=2))


def test_evidence_is_shown_where_it_is() -> None:
    evidence = np.zeros((4, 4))
    evidence[0, 0] = 1.0
    shown = np.asarray(overlay(np.full((400, 400), 60, dtype=np.uint8), evidence)).astype(int)
    assert shown[20, 20].std() > 20  # coloured
    assert shown[380, 380].tolist() == [60, 60, 60]


def test_large_films_are_shown_smaller() -> None:
    film = np.zeros((3000, 1500), dtype=np.uint8)
    assert overlay(film, np.zeros((4, 4))).size == (DISPLAY_SIDE_PX // 2, DISPLAY_SIDE_PX)
