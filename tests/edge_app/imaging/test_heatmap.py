import numpy as np

from edge_app.imaging.heatmap import COLOUR, CONTOUR_LEVEL, DISPLAY_SIDE_PX, overlay


def one_corner() -> np.ndarray:
    evidence = np.zeros((4, 4))
    evidence[0, 0] = 1.0
    return evidence


def test_film_without_evidence_stays_gray() -> None:
    film = np.tile(np.arange(200, dtype=np.uint8), (200, 1))
    gray = np.repeat(film[:, :, None], 3, axis=2)
    assert np.array_equal(np.asarray(overlay(film, None, None)), gray)
    assert np.array_equal(np.asarray(overlay(film, np.full((5, 5), CONTOUR_LEVEL - 0.01), None)), gray)


def test_a_contour_is_drawn_around_the_evidence_and_the_film_shows_inside_it() -> None:
    shown = np.asarray(overlay(np.full((400, 400), 60, dtype=np.uint8), one_corner(), None)).astype(int)
    lines = (shown == COLOUR).all(axis=2)
    assert lines.any()
    assert lines[:130, :130].sum() == lines.sum()
    inside = shown[20, 20]
    assert inside.max() < 120
    assert inside[0] > inside[2]
    assert shown[380, 380].tolist() == [60, 60, 60]


def test_nothing_is_drawn_outside_the_lung_field() -> None:
    field = (0.25, 0.5, 0.75, 1.0)
    drawn = np.asarray(overlay(np.zeros((400, 400), dtype=np.uint8), np.ones((7, 7)), field)).any(axis=2)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert (columns[0], rows[0], columns[-1], rows[-1]) == (100, 200, 299, 399)


def test_large_films_are_shown_smaller() -> None:
    film = np.zeros((3000, 1500), dtype=np.uint8)
    assert overlay(film, one_corner(), None).size == (DISPLAY_SIDE_PX // 2, DISPLAY_SIDE_PX)
