import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.formats.export import export_int8
from convert.formats.qat import CHECKPOINT, QatFilms, logit_error, quantization_aware, tune
from convert.formats.qat_state import Progress
from convert.gates.delegation import observe
from convert.gates.operators import check_runtime, read_facts
from convert.inference.isolated import run_isolated
from convert.options import TARGETS, QatOptions
from convert.source import Source
from edge_app.errors import DataError, GateError
from edge_app.model.runtimes.registry import RUNTIMES
from train.keras import keras
from train.networks.blocks import SpaceToDepth
from train.networks.compact import build_compact
from train.networks.inference import predict

pytestmark = pytest.mark.filterwarnings("ignore")  # tensorflow-model-optimization's own
SHORT = QatOptions(epochs=2, batch_size=16, patience=9)


def _tuned(source: Source, options: QatOptions, folder: Path) -> Any:
    films = QatFilms(source.training, source.context, source.evaluation_sets[0])
    return tune(source.model, films, options, folder)


def test_training_stops_after_epochs_without_gain_and_keeps_the_best() -> None:
    progress = Progress([0.5], [np.zeros(1)])
    for number, error in enumerate((0.6, 0.3, 0.4, 0.35), start=1):
        progress.add(error, [np.full(1, number)])
        assert not progress.stalled(patience=3)
    progress.add(float("nan"), [np.full(1, 5)])
    assert progress.stalled(patience=3)
    assert progress.best == [np.full(1, 2)]
    assert progress.epochs == 5


def test_first_epochs_may_leave_a_good_start() -> None:
    progress = Progress([0.1], [np.zeros(1)])
    for error in (0.9, 0.8, 0.7, 0.6):
        progress.add(error, [np.ones(1)])
        assert not progress.stalled(patience=3)
    assert progress.best == [np.zeros(1)]


def test_no_epoch_keeps_the_quantized_model_as_it_starts(source: Source, tmp_path: Path) -> None:
    tuned = _tuned(source, dataclasses.replace(SHORT, epochs=0), tmp_path)
    assert len(tuned.get_weights()) == len(quantization_aware(source.model, source.training.pixels).get_weights())


def test_a_layer_that_cannot_be_quantized_is_refused_by_name(source: Source) -> None:
    film = keras.layers.Input((32, 32, 1), name="film")
    model = keras.Model(film, keras.layers.LayerNormalization(name="unusual")(film))
    with pytest.raises(GateError, match=r"unusual.*convert --ptq"):
        quantization_aware(model, source.training.pixels)


def test_input_range_is_exact_for_8_bit_pixels_and_the_file_is_full_integer(source: Source) -> None:
    facts = read_facts(export_int8(quantization_aware(source.model, source.training.pixels)))
    assert facts.input_quantization == (1.0, -128)
    check_runtime(facts, "tflite-runtime-2.14", full_integer=True)


def test_network_with_space_to_depth_is_full_integer_in_both_runtimes_and_all_in_xnnpack(
    source: Source, runtimes: list[str]
) -> None:
    """The network that ships begins with it, and the quantization library does not know it."""
    keras.utils.set_random_seed(0)
    model, pixels = build_compact(32, 3), source.training.pixels
    assert any(isinstance(layer, SpaceToDepth) for layer in model.layers)
    before = [weight.copy() for weight in model.get_weights()]
    content = export_int8(quantization_aware(model, pixels))
    for weight, now in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(weight, now), "the teacher stays as it was"
    facts = read_facts(content)
    assert "SPACE_TO_DEPTH" in {name for name, _ in facts.operators}
    assert facts.input_quantization == (1.0, -128)
    for target in TARGETS:
        check_runtime(facts, target, full_integer=True)
    wanted = predict(model, pixels[:8])["logits"]
    for runtime in runtimes:
        found = run_isolated(content, 3, pixels[:8], runtime)["logits"]
        assert np.abs(found - wanted).max() < 0.15 * np.ptp(wanted), runtime
        seen = observe(content, 3, 32, runtime)
        if RUNTIMES[runtime].delegates_int8:
            assert (seen.outside_xnnpack, seen.delegated) == ((), seen.operators)


@pytest.fixture(scope="module")
def straight(source: Source, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("straight")
    return folder, _tuned(source, SHORT, folder)


def test_killed_training_resumes_to_the_same_weights(
    source: Source, straight: tuple[Path, Any], tmp_path: Path
) -> None:
    class Killed(Exception):
        """Stands for a power cut."""

    films = source.evaluation_sets[0]

    class DyingAfterOneEpoch:
        """Evaluation films, read before training and after each epoch."""

        name, classes, asked = films.name, films.classes, 0

        @property
        def pixels(self) -> np.ndarray:
            self.asked += 1
            if self.asked > 3:  # the teacher, before training, after epoch 1; then the power cut
                raise Killed
            return films.pixels

    dying = QatFilms(source.training, source.context, DyingAfterOneEpoch())  # type: ignore[arg-type]
    with pytest.raises(Killed):
        tune(source.model, dying, SHORT, tmp_path)
    assert (tmp_path / CHECKPOINT).exists()
    resumed = _tuned(source, dataclasses.replace(SHORT, resume=True), tmp_path)
    folder, whole = straight
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    # The best epoch may be an early one; the state after the last one shows more.
    with np.load(folder / CHECKPOINT) as straight_through, np.load(tmp_path / CHECKPOINT) as after_the_kill:
        assert straight_through.files == after_the_kill.files
        assert all(np.array_equal(straight_through[name], after_the_kill[name]) for name in straight_through.files)


def test_state_of_another_training_is_refused(source: Source, straight: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = straight
    with pytest.raises(DataError, match="convert without --resume"):
        _tuned(source, dataclasses.replace(SHORT, resume=True, seed=1), folder)
    (tmp_path / CHECKPOINT).write_bytes((folder / CHECKPOINT).read_bytes()[:5000])
    with pytest.raises(DataError, match="damaged"):
        _tuned(source, dataclasses.replace(SHORT, resume=True), tmp_path)


def test_best_epoch_is_never_further_from_the_teacher_than_the_start(
    source: Source, straight: tuple[Path, Any]
) -> None:
    pixels = source.evaluation_sets[0].pixels
    wanted = predict(source.model, pixels)["logits"]
    start = logit_error(wanted, quantization_aware(source.model, source.training.pixels), pixels)
    assert logit_error(wanted, straight[1], pixels) <= start * 1.0001
