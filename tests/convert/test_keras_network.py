"""Keras networks that this kit did not train, through `convert` to a bundle that the device takes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests_support import ENVIRONMENT, REPOSITORY

from benchmarks.__main__ import main as bench
from convert.__main__ import main
from convert.keras_network import read_network
from convert.options import SCALES, NetworkOptions
from edge_app.errors import DataError
from edge_app.kiosk.views.answer import answer as answer_view
from edge_app.model.bundle import read_bundle
from edge_app.reading.predictor import Predictor
from edge_app.workflow.case import Case
from train.data.loading import load_films
from train.data.locator_files import find_locator, preparation_of
from train.data.sources import find_data
from train.keras import keras, tf
from train.networks.inference import predict

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
LABELS = ("normal", "bacterial", "viral")
SIDE_PX = 32
layers = keras.layers
# Networks that were not trained decide by chance, so nothing but the gates for operators and logits holds them.
NO_FLOOR = ["--min-auc", "0", "--min-recall", "0", "--min-specificity", "0"]
ANY_DECISION = ["--max-films-missed", "99", "--max-accuracy-loss", "1", "--max-flips", "1", "--max-auc-loss", "1"]
ANY_DECISION += NO_FLOOR
FOR_WHOM = ["--ages", "1", "5", "--population", "drawn", "--intended-use", "Tests."]


@pytest.fixture(scope="module")
def films(phantom_set: Path) -> tuple[np.ndarray, np.ndarray]:
    """Prepared as the device will, uint8 (films, SIDE_PX, SIDE_PX), with their classes."""
    loaded = load_films(find_data(str(phantom_set)), preparation_of(SIDE_PX, find_locator(None)))
    return loaded.pixels, loaded.classes


def _trained(model: Any, images: np.ndarray, classes: np.ndarray, from_logits: bool) -> Any:
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits))
    model.fit(images, classes, epochs=30, verbose=0)
    return model


def functional(folder: Path, pixels: np.ndarray, classes: np.ndarray) -> Path:
    """tf_keras with a softmax, gray of 0..1, as a .keras file of Keras 2."""
    keras.utils.set_random_seed(0)
    film = layers.Input((SIDE_PX, SIDE_PX, 1))
    x = layers.Conv2D(16, 3, 2, activation="relu")(film)
    x = layers.Dense(32, activation="relu")(layers.Flatten()(x))
    model = keras.Model(film, layers.Dense(3, activation="softmax")(x))
    _trained(model, pixels[..., None] / 255, classes, from_logits=False).save(folder / "my network.keras")
    return folder / "my network.keras"


def sequential(folder: Path, pixels: np.ndarray, classes: np.ndarray) -> Path:
    """Colours of -1..1, logits, as .h5."""
    keras.utils.set_random_seed(0)
    convolution = layers.Conv2D(16, 3, 2, activation="relu")
    model = keras.Sequential([layers.Input((SIDE_PX, SIDE_PX, 3)), convolution, layers.Flatten(), layers.Dense(3)])
    images = np.repeat(pixels[..., None], 3, axis=-1) / 127.5 - 1
    _trained(model, images, classes, from_logits=True)
    model.save(folder / "sequential.h5")
    return folder / "sequential.h5"


def saved_model(folder: Path, pixels: np.ndarray, classes: np.ndarray) -> Path:
    """What `functional` makes, as the folder of a SavedModel."""
    model = keras.models.load_model(functional(folder, pixels, classes))
    tf.saved_model.save(model, str(folder / "saved"))
    return folder / "saved"


def mobilenet(folder: Path, pixels: np.ndarray, classes: np.ndarray) -> Path:
    """MobileNetV3Small of Keras 3 with random weights, drawn so that the films still differ at its end."""
    import keras as keras3

    assert keras3.__version__.startswith("3")
    model = keras3.applications.MobileNetV3Small(input_shape=(64, 64, 3), weights=None, classes=3)
    random = np.random.default_rng(0)
    for weight in model.weights:
        if "kernel" in weight.name:
            fan_in = np.prod(weight.shape[: 2 if "depthwise" in weight.path else 3])
            weight.assign(random.normal(0, np.sqrt(2 / fan_in), weight.shape))
    model.save(folder / "mobilenet.keras")
    return folder / "mobilenet.keras"


MAKERS: dict[str, tuple[Callable, list[str]]] = {
    "functional": (functional, ["--input", "gray", "--scale", "0..1"]),
    "sequential": (sequential, ["--input", "rgb", "--scale", "-1..1"]),
    "saved_model": (saved_model, ["--scale", "0..1"]),
    "mobilenet": (mobilenet, ["--target", "litert", "--outside-xnnpack", "HARD_SWISH", *ANY_DECISION]),
}


def _words(path: Path, data: Path, out: Path, *more: str) -> list[str]:
    words = ["--ptq", "--model", str(path), "--labels", ",".join(LABELS), "--data", str(data), "--out", str(out)]
    return [*words, *FOR_WHOM, *more]


@pytest.fixture(scope="module", params=MAKERS)
def converted(request: Any, films: Any, phantom_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of each network."""
    maker, more = MAKERS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    assert main(_words(maker(folder, *films), phantom_set, folder / "out", *more)) == 0
    (bundle,) = (folder / "out").glob("*-ptq.tflite")
    return bundle


def test_the_int8_file_answers_as_the_network_does(converted: Path) -> None:
    (row,) = json.loads((converted.parent / "report.json").read_text())
    for parity in row["parity"]:
        assert parity["logit_signal_to_noise_db"] > 10
        assert parity["class_map_agreement"] is None
    assert "whether the network was trained on them is not known" in (converted.parent / "report.html").read_text()
    card = read_bundle(converted).card
    assert card.training["own_network"]["file"]
    assert "no heatmap" in read_bundle(converted).card_text
    assert any("trained on the films that it was measured on" in item for item in card.not_checked)


def test_predict_and_the_benchmark_take_the_bundle_and_say_that_it_shows_no_places(
    converted: Path, phantom_set: Path, tmp_path: Path
) -> None:
    def edge(*more: str) -> subprocess.CompletedProcess:
        words = ["predict", str(phantom_set / "train/PNEUMONIA"), "--model", str(converted), *more]
        command = [sys.executable, "-m", "edge_app", *words]
        return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)

    answered = edge("--json")
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    scored = [answer for answer in answers if answer["status"] == "ok"]
    assert len(scored) > len(answers) / 2
    assert all(answer["shows_places"] is False and "evidence_place" not in answer for answer in scored)
    heat = edge("--heatmap", str(tmp_path))
    assert (heat.returncode, "leave out --heatmap" in heat.stderr) == (1, True)
    words = ["latency", "--model", str(converted), "--runtime", "ai-edge-litert", "--threads", "1", "--quick"]
    assert bench([*words, "--out", str(tmp_path)]) == 0


def test_kiosk_does_not_send_a_reader_to_marked_places(converted: Path, phantom_set: Path) -> None:
    predictor = Predictor(read_bundle(converted))
    answers = map(predictor.answer, (phantom_set / "train/PNEUMONIA").iterdir())
    case = next(
        Case("1", "2026-01-01T00:00", one) for one in answers if not one.refusal and one.decision.decision != "normal"
    )
    page = answer_view(case, predictor.card, "en")
    assert "does not show where" in page
    assert "marked places" not in page


@pytest.mark.parametrize("scale", SCALES)
def test_gray_becomes_the_colours_and_scale_that_the_network_was_trained_on(scale: str, tmp_path: Path) -> None:
    """Against the functions of keras.applications, which do it for pictures in colour."""
    film = layers.Input((16, 16, 3))
    model = keras.Model(film, layers.Dense(2, name="scores")(layers.Flatten()(film)))
    model.save(tmp_path / "m.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 16, 16), dtype=np.uint8)
    colours = np.repeat(pixels[..., None].astype(np.float32), 3, axis=-1)
    modes = {"-1..1": "tf", "imagenet": "torch", "caffe": "caffe"}
    wanted = {"0..255": colours, "0..1": colours / 255}.get(scale)
    if wanted is None:
        wanted = keras.applications.imagenet_utils.preprocess_input(colours.copy(), mode=modes[scale])
    network = read_network(tmp_path / "m.keras", NetworkOptions(("a", "b"), scale=scale))
    assert np.allclose(predict(network, pixels)["logits"], model(wanted), atol=2e-3)


def test_a_single_sigmoid_is_two_classes_with_the_same_probability(tmp_path: Path) -> None:
    film = layers.Input((16, 16, 1))
    model = keras.Model(film, layers.Dense(1, activation="sigmoid")(layers.Rescaling(1 / 255)(layers.Flatten()(film))))
    model.save(tmp_path / "m.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 16, 16), dtype=np.uint8)
    logits = predict(read_network(tmp_path / "m.keras", NetworkOptions(("a", "b"))), pixels)["logits"]
    assert np.allclose(tf.nn.softmax(logits)[:, 1], model(pixels[..., None].astype(np.float32))[:, 0], atol=1e-5)


class Mine(layers.Layer):
    """A layer that is in no Keras."""


class Bicubic(layers.Layer):
    """A layer that TensorFlow Lite has no operator for."""

    def call(self, x: Any) -> Any:
        return tf.image.resize(x, (20, 20), method="bicubic")


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (Bicubic(name="enlarge"), r"no operator for ResizeBicubic \(.*enlarge.*\): replace"),
        (layers.ELU(name="elu"), "FLOAT32 tensors of ELU"),
        (layers.Activation("gelu"), "tflite-runtime-2.14 does not know GELU v2|XNNPACK .* leaves GELU"),
    ],
)
def test_an_operator_outside_is_refused_by_name(
    layer: Any, named: str, phantom_set: Path, tmp_path: Path, capsys: Any
) -> None:
    film = layers.Input((SIDE_PX, SIDE_PX, 1))
    x = layers.GlobalAveragePooling2D()(layer(layers.Conv2D(8, 3, 2)(film)))
    tf.saved_model.save(keras.Model(film, layers.Dense(3)(x)), str(tmp_path / "m"))
    assert main(_words(tmp_path / "m", phantom_set, tmp_path / "out", "--locator", "none", *NO_FLOOR)) == 1
    assert not list((tmp_path / "out").glob("*ptq.tflite"))
    assert re.search(f"ptq refused: .*({named})", capsys.readouterr().err)


def _model(shape: tuple, end: Callable, path: Path) -> Path:
    film = layers.Input(shape)
    keras.Model(film, end(layers.Flatten()(film))).save(path)
    return path


@pytest.mark.parametrize(
    ("shape", "end", "more", "message"),
    [
        ((16, 16, 1), layers.Dense(2), [], "has 2 outputs, --labels 3"),
        ((16, 20, 1), layers.Dense(3), [], r"is \(16, 20, 1\), expected \(N, N, 1\) or"),
        ((16, 16, 1), layers.Dense(3), ["--input", "rgb"], "takes 1 channels, --input says rgb"),
        ((16, 16, 1), layers.Dense(3), ["--scale", "imagenet"], "is for colours"),
        ((16, 16, 1), layers.Dense(3, activation="sigmoid"), [], "has 3 sigmoids"),
        ((16, 16, 1), layers.Dense(3), ["--int8"], "quantization-aware training needs a network that train fit made"),
        (
            (16, 16, 1),
            lambda x: layers.Reshape((3,))(layers.Softmax()(layers.Dense(3)(x))),
            [],
            "gives probabilities, and its last operator is no softmax",
        ),
    ],
)
def test_what_cannot_be_converted_is_refused_with_a_reason(
    shape: tuple, end: Callable, more: list[str], message: str, phantom_set: Path, tmp_path: Path, capsys: Any
) -> None:
    path = _model(shape, end, tmp_path / "m.h5")
    words = _words(path, phantom_set, tmp_path / "out", "--locator", "none", *NO_FLOOR, *more)
    assert main([word for word in words if word != "--ptq" or "--int8" not in more]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_a_network_with_labels_in_a_wrong_order_is_below_the_floor_and_the_message_says_where_to_look(
    films: Any, phantom_set: Path, tmp_path: Path, capsys: Any
) -> None:
    words = _words(functional(tmp_path, *films), phantom_set, tmp_path / "out", "--scale", "0..1")
    assert main(["bacterial,normal,viral" if word == ",".join(LABELS) else word for word in words]) == 1
    assert "of no use on its validation films" in (message := capsys.readouterr().err)
    assert "Check --scale, --input, --negative and the order of --labels, or lower --min-auc" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_layer_of_ones_own_is_refused_by_name(suffix: str, tmp_path: Path) -> None:
    """In a process that does not have the class, as everywhere but where the network was trained."""
    path = _model((16, 16, 1), lambda x: layers.Dense(2)(Mine()(x)), tmp_path / f"m.{suffix}")
    code = (
        "import sys; from pathlib import Path; from convert.keras_network import read_network;"
        "from convert.options import NetworkOptions; read_network(Path(sys.argv[1]), NetworkOptions(('a', 'b')))"
    )
    words = [sys.executable, "-c", code, str(path)]
    failed = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, cwd=REPOSITORY, check=False)
    assert re.match(r"edge_app.errors.DataError: .*Mine", failed.stderr.splitlines()[-1])


def test_a_file_that_is_no_model_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_text("no model")
    for path in (tmp_path / "m.h5", tmp_path / "none.keras", tmp_path):
        with pytest.raises(DataError, match="is no Keras model that can be read here"):
            read_network(path, NetworkOptions(LABELS))


@pytest.mark.parametrize(
    "words",
    [
        ["--labels", "a"],
        ["--labels", "a,a"],
        ["--input", "gray"],
        ["--locator", "none"],
        ["--locator", "--labels", "a,b"],
    ],
)
def test_options_that_do_not_belong_together_are_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
