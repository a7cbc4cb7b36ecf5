"""Every planted failure of the gates: one clear reason, and the last good bundle unchanged."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_locators import dark_is_lung, locator_files

from convert.conversion import Conversion, accept
from convert.formats.export import export_dynamic
from convert.gates.parity import check_parity, compare
from convert.options import Budget, ConvertOptions
from convert.outcome import Outcome
from convert.source import Source, read_source
from edge_app.errors import BundleError, DataError, GateError
from edge_app.model.bundle import read_bundle, write_bundle
from train.keras import keras, tf

# The tiny network is 30 films away from certain: a flip of one film in 36 must not stop these tests.
WIDE = Budget(recall_films=3, accuracy=0.1, flips=0.1, auc=0.05)


@pytest.fixture(scope="module")
def accepted(conversion: Conversion, ptq_file: bytes, tmp_path_factory: Any) -> Outcome:
    """A good bundle; tests copy its folder before they break it."""
    return accept(_into(conversion, tmp_path_factory.mktemp("accepted")), "ptq", ptq_file)


def _into(conversion: Conversion, out: Path) -> Conversion:
    return dataclasses.replace(conversion, options=dataclasses.replace(conversion.options, out=out, budget=WIDE))


@pytest.fixture
def folder(accepted: Outcome, tmp_path: Path) -> Path:
    assert not accepted.examined.refusal
    return Path(shutil.copytree(accepted.path.parent, tmp_path / "bundles"))


def _refused(conversion: Conversion, model: bytes, folder: Path) -> str:
    """Put a planted file through the gates; returns the reason after checking that no good bundle was lost."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    refusal = accept(_into(conversion, folder), "ptq", model).examined.refusal
    assert refusal, "the planted failure passed"
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert before.items() <= after.items()
    assert set(after) - set(before) == {"compact-ptq.rejected.tflite", "compact-ptq.rejected.json"}
    report = json.loads(after["compact-ptq.rejected.json"])
    assert report["reason"] == refusal
    assert bool(report["judges"]) == bool(report["parity"]), "a file that ran over the films shows its figures"
    assert "\n" not in refusal
    return refusal


def _quantized_on(model: Any, films: np.ndarray) -> bytes:
    """Full int8 as by `export_ptq`, but ranges come from whatever floats are given, (films, side, side)."""
    side = films.shape[1]
    function = tf.function(lambda film: dict(zip(model.output_names, model(film, training=False), strict=True)))
    concrete = function.get_concrete_function(tf.TensorSpec((1, side, side, 1), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([film[None, :, :, None].astype(np.float32)] for film in films)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


@pytest.mark.filterwarnings("ignore")
def test_representative_films_scaled_to_one_are_refused(conversion: Conversion, folder: Path) -> None:
    planted = _quantized_on(conversion.source.model, conversion.source.training.pixels[:8] / 255)
    assert "scale and zero point" in _refused(conversion, planted, folder)


def test_activation_range_far_too_small_is_refused_by_parity(
    conversion: Conversion, folder: Path, ptq_file: bytes
) -> None:
    # The first layer, which nothing passes by: its range was measured on films without contrast.
    planted = _with_narrow_range(ptq_file, number=1, factor=0.02)
    assert "worse than its float model" in _refused(conversion, planted, folder)


def _with_narrow_range(model: bytes, number: int, factor: float) -> bytes:
    """The range of one operator's output, made smaller: what lies beyond saturates."""
    import flatbuffers

    root = _schema().ModelT.InitFromPackedBuf(model, 0)
    graph = root.subgraphs[0]
    quantization = graph.tensors[graph.operators[number - 1].outputs[0]].quantization
    quantization.scale = [factor * float(quantization.scale[0])]
    builder = flatbuffers.Builder(len(model) + 1024)
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_cut_file_is_refused(conversion: Conversion, folder: Path, ptq_file: bytes) -> None:
    for length in (3, 100, len(ptq_file) // 2):
        reason = _refused(conversion, ptq_file[:length], _fresh(folder))
        assert "damaged" in reason or "does not begin" in reason


def test_zeroed_weights_are_refused(conversion: Conversion, folder: Path, ptq_file: bytes) -> None:
    root = _schema().ModelT.InitFromPackedBuf(ptq_file, 0)
    largest = max(root.buffers, key=lambda buffer: 0 if buffer.data is None else len(buffer.data))
    weights = bytes(largest.data)
    planted = ptq_file.replace(weights, bytes(len(weights)))
    assert planted != ptq_file
    assert "worse than its float model" in _refused(conversion, planted, folder)


@pytest.mark.filterwarnings("ignore")
def test_dynamic_range_file_with_dense_layer_is_refused_for_the_old_runtime(
    conversion: Conversion, folder: Path
) -> None:
    layers, size_px = keras.layers, conversion.source.run.input_size_px
    film = layers.Input((size_px, size_px, 1))
    x = layers.Conv2D(16, 3, 8, padding="same")(film)
    logits = layers.Dense(3)(layers.Dense(64)(layers.GlobalAveragePooling2D()(x)))
    network = keras.Model(film, [logits, layers.Conv2D(3, 1)(x), layers.GlobalAveragePooling2D()(x)])
    planted = export_dynamic(network)
    old = _refused(conversion, planted, folder)
    assert "tflite-runtime-2.14 does not know FULLY_CONNECTED v" in old


def test_swapped_logits_are_refused(source: Source, accepted: Outcome, runtimes: list[str]) -> None:
    outputs = accepted.examined.outputs[runtimes[0]]
    swapped = outputs | {"logits": outputs["logits"][:, [1, 0, 2]]}
    parity = compare(source.reference, swapped, source.validation, accepted.examined.file.card, runtimes[0], WIDE)
    with pytest.raises(GateError, match="worse than its float model"):
        check_parity([parity])


def test_outputs_that_are_not_numbers_are_refused(source: Source, accepted: Outcome, runtimes: list[str]) -> None:
    outputs = accepted.examined.outputs[runtimes[0]]
    broken = outputs | {"logits": np.full_like(outputs["logits"], np.nan)}
    with pytest.raises(GateError, match="gives no numbers for"):
        compare(source.reference, broken, source.validation, accepted.examined.file.card, runtimes[0], WIDE)


def _with_run(options: ConvertOptions, folder: Path, change: Any) -> ConvertOptions:
    """A copy of the run folder whose run.json was edited by hand."""
    run_folder = Path(shutil.copytree(options.model.parent, folder / "run"))
    raw = json.loads((run_folder / "run.json").read_text())
    change(raw)
    (run_folder / "run.json").write_text(json.dumps(raw, indent=1) + "\n")
    return dataclasses.replace(options, model=run_folder / "model.keras", out=folder / "out")


def test_moved_threshold_stops_conversion(options: ConvertOptions, runtimes: list[str], tmp_path: Path) -> None:
    def move(raw: dict[str, Any]) -> None:
        raw["calibration"]["operating_points"]["balanced"]["threshold"] = 0.999

    with pytest.raises(DataError, match="moved threshold"):
        read_source(_with_run(options, tmp_path, move), runtimes[0])
    assert not (tmp_path / "out").exists()


def test_threshold_moved_between_two_films_is_told_by_the_hash(
    options: ConvertOptions, runtimes: list[str], tmp_path: Path
) -> None:
    """No film lies between, so every figure is as recorded."""

    def move(raw: dict[str, Any]) -> None:
        raw["calibration"]["operating_points"]["balanced"]["threshold"] += 1e-9

    with pytest.raises(DataError, match=r"run\.json was changed after train fit wrote it"):
        read_source(_with_run(options, tmp_path, move), runtimes[0])


def test_swapped_labels_stop_conversion(options: ConvertOptions, runtimes: list[str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels differ"):
        read_source(_with_run(options, tmp_path, lambda raw: raw["labels"].reverse()), runtimes[0])


def test_run_file_of_another_model_stops_conversion(
    options: ConvertOptions, runtimes: list[str], tmp_path: Path
) -> None:
    planted = _with_run(options, tmp_path, lambda raw: None)
    model = keras.models.load_model(planted.model, compile=False)
    model.set_weights([0.5 * weight for weight in model.get_weights()])
    model.save(planted.model)
    with pytest.raises(DataError, match=r"another model's run\.json"):
        read_source(planted, runtimes[0])


def test_exchanged_or_lost_locator_stops_conversion(
    options: ConvertOptions, runtimes: list[str], tmp_path: Path
) -> None:
    planted = _with_run(options, tmp_path, lambda raw: None)
    locator = planted.model.with_name("locator")
    shutil.rmtree(locator)
    with pytest.raises(DataError, match=r"locator\.json is missing"):
        read_source(planted, runtimes[0])
    locator_files(dark_is_lung()).write(locator)
    with pytest.raises(DataError, match="is not the locator that the films of this run were cropped with"):
        read_source(planted, runtimes[0])


def test_flipped_byte_anywhere_is_refused_by_the_device(folder: Path) -> None:
    path = folder / "compact-ptq.tflite"
    content = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(content), 20):
        broken = bytearray(content)
        broken[place] ^= 1
        path.write_bytes(broken)
        with pytest.raises(BundleError, match="damaged"):
            read_bundle(path)


def test_truncated_bundle_is_refused_by_the_device(folder: Path) -> None:
    path = folder / "compact-ptq.tflite"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match="damaged"):
        read_bundle(path)


def _rewritten(folder: Path, accepted: Outcome, **changes: Any) -> Path:
    """The bundle written again, hash and all, with another card."""
    path = folder / "compact-ptq.tflite"
    bundle = read_bundle(path)
    card, model = dataclasses.replace(bundle.card, **changes), accepted.examined.file.model
    write_bundle(path, model, card, bundle.golden, "text", bundle.locator)
    return path


def test_card_of_another_model_is_refused_by_the_device(folder: Path, accepted: Outcome) -> None:
    other = read_bundle(folder / "compact-ptq.tflite").card.parity | {"model_sha256": "0" * 64}
    with pytest.raises(BundleError, match="does not belong to the model"):
        read_bundle(_rewritten(folder, accepted, parity=other))


def test_threshold_moved_after_the_gate_is_refused_by_the_device(folder: Path, accepted: Outcome) -> None:
    card = read_bundle(folder / "compact-ptq.tflite").card
    point = card.operating_points[card.default_operating_point]
    moved = {card.default_operating_point: dataclasses.replace(point, threshold=0.999)}
    with pytest.raises(BundleError, match="its gate was passed at"):
        read_bundle(_rewritten(folder, accepted, operating_points=card.operating_points | moved))


def test_labels_swapped_in_the_card_are_refused_by_the_device(folder: Path, accepted: Outcome) -> None:
    path = folder / "compact-ptq.tflite"
    content = path.read_bytes()
    labels = read_bundle(path).card.labels
    swapped = _rewritten(folder, accepted, labels=tuple(reversed(labels)))
    # write_bundle keeps labels.txt and card together, so only the golden outputs can tell.
    assert swapped.read_bytes() != content
    assert read_bundle(swapped).card.labels != labels


def _fresh(folder: Path) -> Path:
    for path in folder.glob("*.rejected.*"):
        path.unlink()
    return folder


def _schema() -> Any:
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated
