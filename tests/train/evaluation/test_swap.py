import numpy as np

from edge_app.imaging.phantom import PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import to_model_pixels
from train.data.augment import sharpness_matrix
from train.evaluation.shortcut_swap import ACROSS, DOWN, sharpness, shortcut_swapped_draw, swapped_by_rank


def test_ranks_keep_their_order_and_take_the_other_sides_values() -> None:
    values = np.array([1.0, 2.0, 3.0, 10.0, 30.0, 20.0])
    positive = np.array([False, False, False, True, True, True])
    # By hand: the middle of each third of the other side, found between its neighbours.
    swapped = swapped_by_rank(values, positive)
    assert np.allclose(swapped[:3], np.quantile([10, 20, 30], [1 / 6, 1 / 2, 5 / 6]))
    assert np.allclose(swapped[3:], np.quantile([1, 2, 3], [1 / 6, 5 / 6, 1 / 2]))


def test_films_of_one_class_get_the_sharpness_of_the_other() -> None:
    films = np.stack(
        [to_model_pixels(draw_phantom("normal", seed, PhantomStyle(noise=20.0)), 64) for seed in range(16)]
    )
    positive = np.arange(16) % 2 == 1
    soft = sharpness_matrix(64, 1.5, 0.0)
    films[positive] = np.rint(np.clip(soft @ films[positive].astype(np.float32), 0, 255))
    before = sharpness(films.astype(np.float32), DOWN)
    assert before[~positive].mean() > 1.2 * before[positive].mean()
    swapped = np.stack(list(shortcut_swapped_draw(films, positive))).astype(np.float32)
    after = sharpness(swapped, DOWN)
    assert after[positive].mean() > after[~positive].mean()
    assert swapped.shape == films.shape


def test_sharpness_is_measured_along_its_axis() -> None:
    stripes = np.zeros((1, 8, 8), np.float32)
    stripes[0, ::2] = 10  # rows differ, columns do not
    assert sharpness(stripes, DOWN)[0] == 10
    assert sharpness(stripes, ACROSS)[0] == 0
