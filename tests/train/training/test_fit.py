"""Short trainings on phantoms: what a run writes, and that a killed one continues where it was."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import train.training.loop as loop
from edge_app.errors import DataError
from edge_app.model.preparation import Preparation
from edge_app.system.files import sha256_of
from train.__main__ import main
from train.data.loading import LoadedFilms, load_films
from train.data.locator_files import LocatorFiles, find_locator
from train.data.sources import find_data
from train.data.split import SplitRule, read_manifest, split_films, write_manifest
from train.evaluation.run import read_run, run_preparation
from train.keras import keras, tf
from train.training.batches import BatchOptions, mixed, one_hot, training_batches
from train.training.callbacks import WeightAverage
from train.training.config import as_words
from train.training.fit import FitOptions, fit
from train.training.teacher import soft_targets


@pytest.fixture
def finished(tiny_run: Path) -> Path:
    """Two epochs of the tiny network."""
    return tiny_run


def test_a_run_leaves_model_manifest_history_plots_and_metrics(finished: Path) -> None:
    assert {path.name for path in finished.iterdir()} == {
        "model.keras", "locator", "manifest.json", "run.json", "run.json.sha256", "config.toml", "metrics.json",
        "history.json", "history.csv", "predictions.csv", "report.html",
    }  # fmt: skip
    metrics = json.loads((finished / "metrics.json").read_text())
    assert set(metrics["judges"]) == {"random", "shortcut-swapped", "reframed", "shortcut-free"}
    assert [row["epoch"] for row in json.loads((finished / "history.json").read_text())] == [1, 2]


def test_finished_model_is_read_back_with_its_run(finished: Path) -> None:
    model, manifest, run = read_run(finished / "model.keras")
    assert model.output_names == ["logits", "class_map", "features"]
    assert run.manifest_sha256 == manifest.sha256
    film = np.random.default_rng(0).integers(0, 256, (1, run.input_size_px, run.input_size_px, 1)).astype(np.float32)
    logits, class_map, _ = model(film)
    assert np.allclose(class_map.numpy().mean(axis=(1, 2)), logits.numpy(), atol=1e-4)  # the map is what decided


def test_files_of_two_runs_are_not_mixed(finished: Path, tmp_path: Path) -> None:
    for name in ("model.keras", "manifest.json"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    run = json.loads((finished / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(run | {"manifest_sha256": "of another run"}))
    with pytest.raises(DataError, match="mixes two runs"):
        read_run(tmp_path / "model.keras")


def _with_locator(finished: Path, out: Path, locator: LocatorFiles | None) -> Path:
    """A copy of a run, its locator exchanged or gone; returns the model's path."""
    run = Path(shutil.copytree(finished, out))
    shutil.rmtree(run / "locator")
    if locator:
        locator.write(run / "locator")
    return run / "model.keras"


def test_run_names_the_locator_that_cropped_its_films(finished: Path) -> None:
    _, _, run = read_run(finished / "model.keras")
    locator = find_locator(None)
    assert locator is not None
    assert run.locator_sha256 == locator.sha256
    assert json.loads((finished / "metrics.json").read_text())["locator_sha256"] == locator.sha256
    assert find_locator(finished / "locator") == locator
    preparation = run_preparation(finished / "model.keras", run)
    assert preparation.locator is not None
    assert (preparation.size_px, preparation.locator.sha256) == (run.input_size_px, locator.sha256)


@pytest.mark.parametrize("exchanged", [True, False])
def test_run_whose_locator_was_exchanged_or_lost_is_refused(
    finished: Path, phantoms: Path, tmp_path: Path, capsys, exchanged: bool
) -> None:
    """With another locator the films would be framed otherwise than those it learned from."""
    other = None
    if exchanged:
        locator = find_locator(None)
        assert locator is not None
        int8 = locator.int8 + b"\0"  # sound, but not the same file
        hashes = {"int8": sha256_of(int8), "float32": sha256_of(locator.float32)}
        other = dataclasses.replace(locator, int8=int8, figures=locator.figures | {"sha256": hashes})
    model = _with_locator(finished, tmp_path / "run", other)
    assert main(["evaluate", str(model), "--data", str(phantoms)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("train: ")
    assert ("is not the locator that the films of this run were cropped with" if exchanged else "is missing") in last


def test_run_of_whole_films_has_no_locator(phantoms: Path, tmp_path: Path) -> None:
    words = ["--data", str(phantoms), "--arch", "tiny", "--epochs", "1", "--locator", "none"]
    assert main(["fit", *words, "--out", str(tmp_path / "run")]) == 0
    assert not (tmp_path / "run" / "locator").exists()
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert "reframed" not in metrics["judges"], "nobody measured how its films are framed"
    model = tmp_path / "run" / "model.keras"
    _, _, run = read_run(model)
    assert run.locator_sha256 == ""
    assert run_preparation(model, run).locator is None
    raw = json.loads((tmp_path / "run" / "run.json").read_text())
    raw.pop("locator_sha256")  # as the kit wrote it before 0.4.0
    (tmp_path / "run" / "run.json").write_text(json.dumps(raw))
    assert read_run(model)[2] == run


class Killed(Exception):
    """Stands for a power cut."""


@pytest.fixture(scope="module")
def killed(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> FitOptions:
    """A training of three epochs that lost power in the second; tests copy its folder."""

    def killed_in_epoch_2(*arguments, **options):
        for step, batch in enumerate(training_batches(*arguments, **options)):
            if step == 4:
                raise Killed
            yield batch

    out = tmp_path_factory.mktemp("killed") / "run"
    options = FitOptions(out=out, data=str(phantoms), arch="tiny", epochs=3, batch_size=16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "training_batches", killed_in_epoch_2)
        with pytest.raises(Exception):  # noqa: B017, PT011  Keras wraps it as it likes
            fit(options)
    return options


def test_killed_run_resumes_with_nothing_lost(killed: FitOptions, tmp_path: Path) -> None:
    options = dataclasses.replace(killed, out=Path(shutil.copytree(killed.out, tmp_path / "run")))
    before = json.loads((tmp_path / "run" / "checkpoint" / "history.json").read_text())
    assert [row["epoch"] for row in before] == [1]
    fit(dataclasses.replace(options, resume=True))
    after = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [row["epoch"] for row in after] == [1, 2, 3]
    assert after[0] == before[0]


def test_killed_run_is_not_resumed_with_another_locator(killed: FitOptions, tmp_path: Path) -> None:
    """From there on its films would be framed otherwise, and its run file would name one locator for both."""
    out = Path(shutil.copytree(killed.out, tmp_path / "run"))
    with pytest.raises(DataError, match="without --resume"):
        fit(dataclasses.replace(killed, out=out, resume=True, locator="none"))


def test_batches_from_a_later_step_are_the_same() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16, 16), dtype=np.uint8)
    films = LoadedFilms((), pixels, np.arange(20) % 3, (), (None,) * 20)
    around = np.pad(pixels, ((0, 0), (2, 2), (2, 2)))
    options, targets = BatchOptions(side_px=16, batch_size=4, epochs=2, seed=5), one_hot(films.classes, 3)
    whole = [drawn.numpy() for drawn, _, _ in training_batches(films, around, targets, options)]
    rest = [drawn.numpy() for drawn, _, _ in training_batches(films, around, targets, options, first_step=7)]
    assert len(whole) == 10
    assert whole[0].shape == (4, 16, 16, 1)
    assert all(np.array_equal(first, second) for first, second in zip(whole[7:], rest, strict=True))


def test_mixing_lays_each_film_over_the_next_with_its_label_and_weight() -> None:
    films = tf.reshape(tf.constant([10.0, 20.0, 40.0]), (3, 1, 1, 1))
    blended, labels, weights = mixed(films, tf.eye(3), tf.constant([1.0, 2.0, 4.0]), 0.2, tf.constant([0, 0]))
    own = np.diag(labels.numpy())
    assert (own >= 0.5).all()
    assert np.allclose(labels.numpy().sum(axis=1), 1)
    before = np.array([40.0, 10.0, 20.0])
    assert np.allclose(blended.numpy().ravel(), own * [10, 20, 40] + (1 - own) * before, atol=1e-4)
    assert np.allclose(weights.numpy(), own * [1, 2, 4] + (1 - own) * [4, 1, 2], atol=1e-5)


def test_a_teacher_of_another_split_is_refused(finished: Path, phantoms: Path, tmp_path: Path) -> None:
    options = FitOptions(out=tmp_path, data=str(phantoms), arch="tiny", epochs=1, teachers=(finished / "model.keras",))
    with pytest.raises(DataError, match="another split"):
        fit(dataclasses.replace(options, split=SplitRule(seed=1)))


def test_continuing_from_a_run_never_validates_on_films_that_it_learned_from(
    finished: Path, phantoms: Path, tmp_path: Path
) -> None:
    options = FitOptions(out=tmp_path / "on", data=str(phantoms), arch="tiny", epochs=1, init=finished / "model.keras")
    fit(dataclasses.replace(options, split=SplitRule(seed=3, validation_fraction=0.5)))
    learned = {film["sha256"] for film in read_manifest(finished / "manifest.json").films if film["part"] == "train"}
    films = read_manifest(tmp_path / "on" / "manifest.json").films
    assert not learned & {film["sha256"] for film in films if film["part"] == "validation"}
    assert any(film["part"] == "left-out" for film in films)


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["fit", "--fold", "3"], "--fold goes with --split k-fold"),
        (["fit", "--held-out", "here", "--split", "random"], "--held-out goes with --split leave-one-source-out"),
        (["evaluate", "model.keras", "--part", "test"], "--part needs --manifest"),
    ],
)
def test_options_that_would_be_ignored_are_wrong_usage(words: list[str], needed: str, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert needed in capsys.readouterr().err


def test_a_config_may_name_one_data_set_as_text(phantoms: Path) -> None:
    assert as_words({"data": str(phantoms)}) == as_words({"data": [str(phantoms)]})


def test_a_teacher_softens_the_targets_of_the_training_films(finished: Path, phantoms: Path) -> None:
    _, manifest, _ = read_run(finished / "model.keras")
    data = find_data(str(phantoms))
    labels = soft_targets((finished / "model.keras",), data, manifest)
    assert labels.shape == (len(manifest.rows("train")), 3)
    assert np.allclose(labels.sum(axis=1), 1, atol=1e-5)
    assert labels.max() < 1


def test_averaged_weights_follow_the_weights() -> None:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    average = keras.models.clone_model(model)
    model.set_weights([np.zeros((1, 1))])
    average.set_weights([np.zeros((1, 1))])
    callback = WeightAverage(average, decay=0.5)
    callback.set_model(model)
    for value in (11.0, 11.0):  # the first step's decay is 1/11, not yet 0.5
        model.optimizer.iterations.assign_add(1)
        model.set_weights([np.full((1, 1), value)])
        callback.on_train_batch_end(0)
    # By hand: 10/11 of 11 is 10; then 2/12 of 10 and 10/12 of 11.
    assert average.get_weights()[0][0, 0] == pytest.approx(10 / 6 + 11 * 10 / 12)


def test_command_line_errors_are_one_line_and_exit_1(tmp_path: Path, capsys) -> None:
    for words in (
        ["fit", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")],
        ["evaluate", str(tmp_path / "model.keras"), "--data", "phantom"],
    ):
        assert main(words) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert len(printed.err.splitlines()) == 1


def test_evaluate_scores_the_float_model_on_held_out_films(
    finished: Path, phantoms: Path, tmp_path: Path, capsys
) -> None:
    data = find_data(str(phantoms))
    words = ["evaluate", str(finished / "model.keras"), "--data", str(phantoms), "--json"]
    assert main([*words, "--manifest", str(finished / "manifest.json")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["films"] == len(read_run(finished / "model.keras")[1].rows("validation"))
    assert "validation part" in figures["films_of"]
    other = split_films(load_films(data, Preparation(32)), data.name, data.labels, SplitRule(seed=5))
    write_manifest(other, tmp_path / "other.json")
    assert main([*words, "--manifest", str(tmp_path / "other.json")]) == 0
    assert "of another split than the model's" in json.loads(capsys.readouterr().out)["films_of"]
    assert "test" not in figures["films_of"]


def test_evaluate_scores_a_bundle_on_the_device_runtime(shipped, phantoms: Path, capsys) -> None:
    assert main(["evaluate", str(shipped.path), "--data", str(phantoms), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["films"] == 72
    assert 0 <= figures["auc"]["low"] <= figures["auc"]["value"] <= figures["auc"]["high"] <= 1
