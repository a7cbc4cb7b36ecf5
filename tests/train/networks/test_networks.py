from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from registry_names import restated
from tests_support import printed_by

from edge_app.errors import DataError
from train import networks
from train.keras import keras
from train.networks import ARCHITECTURES, find_architecture
from train.networks.blocks import SpaceToDepth
from train.networks.inference import predict
from train.networks.saving import save_model


def test_compact_network_keeps_to_its_limits() -> None:
    architecture = ARCHITECTURES["compact"]
    model = architecture.build(architecture.input_size_px, 3)
    assert model.count_params() < 150_000
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name != "class_map":
            assert layer.filters % 16 == 0, layer.name


def test_space_to_depth_moves_pixels_and_changes_none() -> None:
    film = np.arange(36, dtype=np.float32).reshape(1, 6, 6, 1)
    squares = SpaceToDepth()(film).numpy()
    assert squares.shape == (1, 3, 3, 4)
    assert squares[0, 0, 0].tolist() == [0, 1, 6, 7]
    assert squares[0, 2, 1].tolist() == [26, 27, 32, 33]


def test_model_with_space_to_depth_is_read_back_by_whoever_reads_runs(tmp_path: Path) -> None:
    """In a process that never built a network."""
    model = ARCHITECTURES["compact"].build(32, 3)
    save_model(model, tmp_path / "model.keras")
    film = np.random.default_rng(0).integers(0, 256, (1, 32, 32), dtype=np.uint8)
    np.save(tmp_path / "film.npy", film)
    code = (
        "import sys, numpy as np; import train.evaluation.run as run; from train.keras import keras;"
        "model = keras.models.load_model(sys.argv[1] + '/model.keras', compile=False);"
        "film = np.load(sys.argv[1] + '/film.npy').astype('float32')[..., None];"
        "np.save(sys.argv[1] + '/logits.npy', model(film, training=False)[0].numpy())"
    )
    printed_by(code, str(tmp_path))
    assert np.allclose(np.load(tmp_path / "logits.npy"), predict(model, film)["logits"], atol=1e-4)


SLOW_TO_BUILD = {"densenet201"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW_TO_BUILD)) for name in sorted(ARCHITECTURES)],
)
def test_every_network_has_the_kits_outputs_and_says_its_source(name: str) -> None:
    architecture = ARCHITECTURES[name]
    model = architecture.build(architecture.input_size_px, 2)
    assert model.output_names == ["logits", "class_map", "features"]
    logits, class_map, features = model.output_shape
    assert (logits[-1], class_map[-1], len(features)) == (2, 2, 2)
    assert architecture.source


@pytest.mark.parametrize("name", ["dense-baseline", "mlp", "cnn"])
def test_dense_heads_give_their_logits_as_a_map_of_one_cell(name: str) -> None:
    model = ARCHITECTURES[name].build(32, 3)
    film = np.random.default_rng(0).integers(0, 256, (2, 32, 32), dtype=np.uint8)
    outputs = predict(model, film)
    assert outputs["class_map"].shape == (2, 1, 1, 3)
    assert np.array_equal(outputs["class_map"][:, 0, 0], outputs["logits"])


def test_mlp_has_five_dense_layers_and_the_baseline_a_few_hidden_ones() -> None:
    for name, count in (("mlp", 5), ("dense-baseline", 4)):
        model = ARCHITECTURES[name].build(32, 3)
        assert sum(isinstance(layer, keras.layers.Dense) for layer in model.layers) == count


def test_rows_of_the_sources_keep_their_sizes() -> None:
    assert ARCHITECTURES["cnn"].input_size_px == 156
    published = ARCHITECTURES["cnn-100x50"]
    assert (published.epochs, published.steps_per_epoch) == (50, 100)


def test_every_file_of_a_network_is_in_the_registry_and_every_name_of_one_file() -> None:
    files = [path for path in Path(networks.__file__).parent.glob("*.py") if "\nNETWORKS = " in path.read_text()]
    declared = [name for path in files for name in import_module(f"train.networks.{path.stem}").NETWORKS]
    assert len(declared) == len(set(declared))
    assert set(declared) == set(ARCHITECTURES) - {"tiny"}  # which tests add


def test_no_other_module_knows_the_networks_by_name() -> None:
    others = "benchmarks/device/reference_networks.py"  # of which two have the names of networks of the kit
    assert restated(set(ARCHITECTURES), ("train/networks/", others)) == []


def test_unknown_network_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="no network 'vgg'; the kit has compact"):
        find_architecture("vgg")
