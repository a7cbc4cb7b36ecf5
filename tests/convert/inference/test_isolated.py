"""One model in every runtime, each in a process of its own, and files that no runtime takes."""

import numpy as np
import pytest

from convert.inference.isolated import run_isolated
from edge_app.errors import BundleError
from edge_app.imaging.phantom import LABELS, draw_phantom
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.bundle import Bundle
from edge_app.model.runtimes.registry import installed_runtimes
from edge_app.reading.decision import decide

FILMS = 60
# The bound that the documentation states, in steps of int8. Measured over 435 real films: 2, 7 and 3.
STEPS_BETWEEN_RUNTIMES = {"raw_logits": 2, "raw_class_map": 8, "raw_features": 4}


@pytest.fixture(scope="module")
def outputs(shipped: Bundle) -> dict[str, dict[str, np.ndarray]]:
    """The shipped model's outputs on the same films in every runtime, each in its own process."""
    if len(installed_runtimes()) < 2:
        pytest.skip("two runtimes are needed; tflite-runtime has no wheel for this Python")
    films = [draw_phantom(LABELS[seed % 3], seed) for seed in range(FILMS)]
    pixels = np.stack([to_model_pixels(film, shipped.card.input_size_px) for film in films])
    return {package: run_isolated(shipped.model, 3, pixels, package) for package in installed_runtimes()}


def test_runtimes_differ_by_at_most_the_stated_steps(outputs: dict) -> None:
    for name, allowed in STEPS_BETWEEN_RUNTIMES.items():
        found = np.stack([result[name].astype(int) for result in outputs.values()])
        assert np.ptp(found, axis=0).max() <= allowed, name


def test_runtimes_decide_alike_unless_within_a_step_of_the_threshold(shipped: Bundle, outputs: dict) -> None:
    for film in zip(*(result["logits"] for result in outputs.values()), strict=True):
        first, *others = (decide(logits, shipped.card) for logits in film)
        if any(other.decision != first.decision for other in others):
            edges = np.array([first.threshold, *shipped.card.uncertainty_band])
            assert np.abs(edges - first.p_finding).min() < 0.05


def test_file_that_is_not_a_model_is_refused_in_a_child() -> None:
    with pytest.raises(BundleError, match="cannot"):
        run_isolated(b"TFL3 but not really", 3, np.zeros((1, 8, 8), dtype=np.uint8), installed_runtimes()[0])
