import numpy as np

from edge_app.imaging.heatmap import DISPLAY_SIDE_PX, overlay


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
