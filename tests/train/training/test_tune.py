"""The search: keras-tuner proposes, the kit's own fit trains, and a killed search continues."""

import dataclasses
import json
import shlex
from pathlib import Path

import pytest

from edge_app.errors import DataError
from edge_app.imaging.phantom import write_phantom_set
from train.__main__ import main
from train.training.config import read_config
from train.training.plan import resolve

keras_tuner = pytest.importorskip("keras_tuner", reason="needs keras-tuner, of the train extra")

from train.training.tune import TuneOptions, proposal, tune  # noqa: E402


@pytest.mark.slow
def test_every_network_of_the_space_can_be_built_and_keeps_its_channels(tmp_path: Path) -> None:
    options = TuneOptions(tmp_path, data="phantom", input_size_px=32)
    for seed in range(3):
        space = keras_tuner.HyperParameters()
        proposal(space, options)
        for parameter in space.space:
            space.values[parameter.name] = parameter.random_sample(seed)
        model = resolve(proposal(space, options)).architecture.build(32, 3)
        assert model.output_names == ["logits", "class_map", "features"]
        assert all(layer.filters % 16 == 0 for layer in model.layers if "conv2d" in layer.name)


# keras-tuner's own, two ways of naming a thread
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning", "ignore:getName:DeprecationWarning")
def test_two_trials_are_scored_and_a_finished_search_adds_none(tmp_path: Path) -> None:
    write_phantom_set(tmp_path / "data", films_per_class=16)
    options = TuneOptions(tmp_path / "tune", trials=2, epochs=1, data=str(tmp_path / "data"), input_size_px=32)
    trials = tune(options)
    assert len(trials) == 2
    assert trials[0]["score"] >= trials[1]["score"]
    assert {"learning_rate", "blocks_3", "mixup"} <= set(trials[0]["settings"])
    assert json.loads((tmp_path / "tune" / "tune.json").read_text()) == trials
    with pytest.raises(DataError, match="holds files already"):
        tune(options)
    assert tune(dataclasses.replace(options, resume=True)) == trials

    # What it found can be trained: the command that it ends with, shortened to one epoch.
    words = shlex.split(trials[0]["command"])
    assert words[:4] == ["python", "-m", "train", "fit"]
    assert main([*words[3:], "--epochs", "1"]) == 0
    best = read_config(tmp_path / "tune" / "best" / "config.toml")
    assert best == read_config(tmp_path / "tune" / f"trial-{trials[0]['trial']}" / "config.toml")
