"""Half precision applies only to products; the network's outputs and all files of a run are float32."""

from pathlib import Path

import numpy as np
import pytest

from train.keras import keras
from train.networks import find_architecture
from train.networks.rebuild import for_training, full_precision
from train.training.fit import FitOptions, fit


@pytest.mark.parametrize("name", ["tiny", "compact"])
def test_inner_layers_compute_in_bfloat16_and_outputs_in_float32(name: str) -> None:
    keras.utils.set_random_seed(1)
    model = find_architecture(name).build(32, 3)
    pixels = np.random.default_rng(1).integers(0, 256, (8, 32, 32, 1)).astype(np.float32)
    half = for_training(model, bfloat16=True, synchronized=False)
    assert {layer.compute_dtype for layer in half.layers if isinstance(layer, keras.layers.Conv2D)} >= {"bfloat16"}
    assert half.output_names == model.output_names
    for full, rounded, again in zip(model(pixels), half(pixels), full_precision(half)(pixels), strict=True):
        assert rounded.dtype == full.dtype
        assert 0 < np.abs(full - rounded).max() < 0.05 * np.abs(full).max() + 0.05
        np.testing.assert_array_equal(full, again)


def test_a_run_in_bfloat16_leaves_a_float32_model_and_says_so(phantoms: Path, tmp_path: Path) -> None:
    metrics = fit(FitOptions(tmp_path / "run", str(phantoms), "tiny", epochs=1, bfloat16=True))
    assert metrics["bfloat16"]
    model = keras.models.load_model(tmp_path / "run" / "model.keras", compile=False)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
