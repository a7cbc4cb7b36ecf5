"""A network in a file of one's own: `fit --arch FILE.py:NAME`, then everything that follows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT

from edge_app.errors import DataError
from train.networks import find_architecture

FILE = """
from train.keras import keras
from train.networks import Architecture
from train.networks.blocks import SpaceToDepth, convolution, head

class Mine(keras.layers.Layer):
    pass

def build(input_size_px, classes):
    film = keras.layers.Input((input_size_px, input_size_px, 1), name="film")
    return keras.Model(film, head(convolution(SpaceToDepth()(film), 16, 3, stride=2), classes))

def build_with_own_layer(input_size_px, classes):
    film = keras.layers.Input((input_size_px, input_size_px, 1), name="film")
    return keras.Model(film, head(Mine(name="mine")(convolution(film, 16, 3, stride=2)), classes))

def build_logits_alone(input_size_px, classes):
    film = keras.layers.Input((input_size_px, input_size_px, 1), name="film")
    return keras.Model(film, keras.layers.Dense(classes, name="logits")(keras.layers.Flatten()(film)))

shallow = Architecture(build, 32, "our own", epochs=1)
own_layer = Architecture(build_with_own_layer, 32, "our own")
logits_alone = Architecture(build_logits_alone, 32, "our own")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "ours.py").write_text(FILE, encoding="utf-8")
    return tmp_path / "ours.py"


@pytest.mark.slow
def test_network_of_a_file_is_trained_and_converted_like_any_other(file: Path, phantoms: Path) -> None:
    def run(package: str, *words: str) -> None:
        command = [sys.executable, "-m", package, *words, "--data", str(phantoms)]
        done = subprocess.run(command, cwd=file.parent, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    run("train", "fit", "--arch", "ours.py:shallow", "--out", "run")
    assert json.loads((file.parent / "run/run.json").read_text())["arch"] == "shallow"
    run("train", "fit", "--resume", "--out", "run")
    file.unlink()  # nobody needs it any more
    wide = ["--max-films-missed", "20", "--max-accuracy-loss", "1", "--max-flips", "1", "--max-auc-loss", "1"]
    wide += ["--min-auc", "0", "--min-recall", "0", "--min-specificity", "0"]  # of one epoch
    wide += ["--ages", "1", "5", "--population", "drawn", "--intended-use", "Tests."]
    run("convert", "--ptq", "--model", "run/model.keras", "--out", "made", *wide)
    assert (file.parent / "made/shallow-ptq.tflite").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_layer", "layer 'mine' is a Mine of ours, which convert could not read"),
        ("logits_alone", "gives logits, expected .* and logits, class_map, features"),
    ],
)
def test_network_that_the_kit_could_not_use_is_refused_before_it_is_trained(
    file: Path, name: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        find_architecture(f"{file}:{name}").checked(3)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("none.py:shallow", "there is no file none.py with a network"),
        ("FILE:build", "has no Architecture 'build'; it has shallow, own_layer, logits_alone"),
        ("broken.py:a", r"cannot be run: NameError"),
    ],
)
def test_file_without_such_a_network_is_refused(
    argument: str, message: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    Path("broken.py").write_text("undefined", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        find_architecture(argument.replace("FILE", str(file)))
