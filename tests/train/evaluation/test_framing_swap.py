"""Films whose framing points the wrong way: what the lungs fill is swapped between the classes."""

import logging

import numpy as np
import pytest

from edge_app.imaging.phantom import draw_phantom
from edge_app.imaging.preprocess import squashed
from edge_app.model.preparation import Preparation
from train.data.labelled import DataSet, LabelledFilm
from train.data.loading import LoadedFilms, load_films
from train.data.locator_files import find_locator, preparation_of
from train.data.whole_films import SIDE_PX
from train.evaluation.evaluation_sets import DRAWS, EvaluationSet, evaluation_sets
from train.evaluation.framing_swap import boxes_of, reframed_draw
from train.evaluation.shortcut_swap import swapped_by_rank

SIZE_PX = 64
POSITIVE = np.arange(24) % 2 == 1


@pytest.fixture(scope="module")
def preparation() -> Preparation:
    return preparation_of(SIZE_PX, find_locator(None))


@pytest.fixture(scope="module")
def films() -> np.ndarray:
    """Phantoms; those of pneumonia are cut closer to the lungs, as in the Guangzhou set."""
    return np.stack([squashed(_framed(row), SIDE_PX) for row in range(24)])


def _framed(row: int) -> np.ndarray:
    if POSITIVE[row]:
        return draw_phantom("viral", row)[22:-22, 26:-26]
    return draw_phantom("normal", row)


def _heights(films: np.ndarray, preparation: Preparation) -> np.ndarray:
    boxes = boxes_of(films, preparation)
    return boxes[:, 3] - boxes[:, 1]


def test_share_of_the_height_is_swapped_rank_by_rank(films: np.ndarray, preparation: Preparation) -> None:
    """Measured again with the locator, which has to find the lungs on the changed films."""
    before = _heights(films, preparation)
    assert before[POSITIVE].min() > before[~POSITIVE].max(), "the classes are framed otherwise to begin with"
    reframed = np.stack(list(reframed_draw(films, boxes_of(films, preparation), POSITIVE)))
    after = _heights(reframed, preparation)
    assert after[POSITIVE].max() < after[~POSITIVE].min(), "the order of the classes is reversed"
    wanted = swapped_by_rank(before, POSITIVE)
    assert np.abs(after - wanted).max() < 3 / 64, "three steps of the lung field"
    for side in (POSITIVE, ~POSITIVE):
        assert after[side].mean() == pytest.approx(before[~side].mean(), abs=1 / 64)


def test_lungs_stay_in_their_place(films: np.ndarray, preparation: Preparation) -> None:
    boxes = boxes_of(films, preparation)
    after = boxes_of(np.stack(list(reframed_draw(films, boxes, POSITIVE))), preparation)
    for first, last in ((0, 2), (1, 3)):
        middles = [(each[:, first] + each[:, last]) / 2 for each in (boxes, after)]
        assert np.abs(middles[1] - middles[0]).max() < 3 / 64


def test_films_by_hand_are_zoomed_about_their_boxes() -> None:
    """Two white squares of 40 and 80 pixels, 20 pixels off the middle: they change their sizes, not their places."""
    films, boxes = np.full((2, 160, 160), 30, np.uint8), np.zeros((2, 4))
    for row, half in enumerate((20, 40)):
        films[row, 100 - half : 100 + half, 80 - half : 80 + half] = 250
        boxes[row] = (80 - half) / 160, (100 - half) / 160, (80 + half) / 160, (100 + half) / 160
    drawn = np.stack(list(reframed_draw(films, boxes, np.array([False, True]))))
    for film, half in zip(drawn, (40, 20), strict=True):
        rows, columns = np.nonzero(film > 140)
        assert (rows.min(), rows.max() + 1) == pytest.approx((100 - half, 100 + half), abs=1)
        assert (columns.min(), columns.max() + 1) == pytest.approx((80 - half, 80 + half), abs=1)
    assert drawn.min() >= 30, "beyond the edge of a film that is zoomed out, its edge goes on"


def test_film_without_lungs_counts_as_framed_by_its_edges(preparation: Preparation) -> None:
    ramp = np.tile(np.linspace(0, 255, SIDE_PX, dtype=np.uint8), (SIDE_PX, 1))
    assert boxes_of(ramp[None], preparation).tolist() == [[0.0, 0.0, 1.0, 1.0]]


@pytest.fixture(scope="module")
def data() -> DataSet:
    labelled = tuple(
        LabelledFilm(f"{row}", ("normal", "viral")[int(POSITIVE[row])], f"{row}", _framed(row)) for row in range(24)
    )
    return DataSet("framed", ("normal", "viral"), labelled, "", "")


def _sets(data: DataSet, preparation: Preparation, framing: Preparation | None = None) -> dict[str, EvaluationSet]:
    films: LoadedFilms = load_films(data, preparation)
    return {one.name: one for one in evaluation_sets(films, data.classes, preparation, framing)}


def test_evaluation_sets_have_the_models_size_and_the_last_is_the_largest(
    data: DataSet, preparation: Preparation
) -> None:
    sets = _sets(data, preparation)
    assert list(sets) == ["random", "shortcut-swapped", "reframed", "shortcut-free"]
    for name, one in sets.items():
        count = 24 * (DRAWS if name == "shortcut-free" else 1)
        assert one.pixels.shape == (count, SIZE_PX, SIZE_PX), name
        assert one.pixels.dtype == np.uint8
        assert np.array_equal(one.positive, np.tile(POSITIVE, count // 24)), name


def test_model_that_sees_lung_fields_sees_reframed_films_alike(data: DataSet, preparation: Preparation) -> None:
    """What is changed is the framing, which the crop removes: the model's pixels hardly move."""
    cropped, whole = _sets(data, preparation), _sets(data, Preparation(SIZE_PX), preparation)

    def moved(sets: dict[str, EvaluationSet]) -> float:
        return float(np.abs(sets["reframed"].pixels.astype(int) - sets["random"].pixels).mean())

    assert moved(cropped) < 0.6 * moved(whole)


def test_without_a_locator_nobody_knows_the_framing(data: DataSet, preparation: Preparation) -> None:
    assert "reframed" not in _sets(data, Preparation(SIZE_PX))
    assert "reframed" in _sets(data, Preparation(SIZE_PX), preparation), "another locator may tell"


def test_changed_film_without_lungs_is_counted_in_the_log(
    data: DataSet, preparation: Preparation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import train.evaluation.evaluation_sets as sets

    def spoiled(films: np.ndarray, *_: object) -> np.ndarray:
        ramps = films.copy()
        ramps[:2] = np.linspace(0, 255, SIDE_PX, dtype=np.uint8)
        return ramps

    monkeypatch.setattr(sets, "reframed_draw", spoiled)
    with caplog.at_level(logging.WARNING):
        assert len(_sets(data, preparation)["reframed"].pixels) == 24
    assert "reframed: no lungs were found on 2 of 24 films" in caplog.text
