import pytest

from edge_app.errors import DataError
from train.keras import keras
from train.networks import ARCHITECTURES, find_architecture


def test_compact_network_keeps_to_its_limits() -> None:
    architecture = ARCHITECTURES["compact"]
    model = architecture.build(architecture.input_size_px, 3)
    assert model.count_params() < 150_000
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name != "class_map":
            assert layer.filters % 16 == 0, layer.name


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_network_has_the_kits_outputs_and_says_its_source(name: str) -> None:
    architecture = ARCHITECTURES[name]
    model = architecture.build(architecture.input_size_px, 2)
    assert model.output_names == ["logits", "class_map", "features"]
    logits, class_map, features = model.output_shape
    assert (logits[-1], class_map[-1], len(features)) == (2, 2, 2)
    assert architecture.source


def test_unknown_network_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="no network 'vgg'; the kit has compact"):
        find_architecture("vgg")
