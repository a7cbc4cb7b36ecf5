"""The locator: its size, its output, and that XNNPACK takes all of its int8 file."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests_support import printed_by

from convert.gates.operators import check_runtime, read_facts
from convert.options import TARGETS
from edge_app.errors import DataError
from train.data.lungs.draws import CELL_PX
from train.keras import tf
from train.networks.locator import build_locator, locator_logits

SIDE = 32
CHILD = """
import json, sys
from ai_edge_litert.interpreter import Interpreter
from edge_app.model.profiling import split_by_delegate
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
print(json.dumps(split_by_delegate(interpreter._get_ops_details())[1]))
"""


def test_network_is_small_and_gives_two_pixels_a_cell() -> None:
    model = build_locator(96)
    assert model.count_params() < 110_000
    assert model.output_shape == (None, 96 // CELL_PX, 96 // CELL_PX, 1)


def test_side_must_fit_the_strides() -> None:
    with pytest.raises(DataError, match="expected a multiple of 16"):
        build_locator(100)


def test_logits_of_many_films_are_those_of_each() -> None:
    model = build_locator(SIDE)
    films = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)
    together = locator_logits(model, films)
    assert together.shape == (3, SIDE // CELL_PX, SIDE // CELL_PX)
    assert np.allclose(together[1], locator_logits(model, films[1:2])[0], atol=1e-4)


def test_int8_file_runs_in_both_runtimes_and_all_in_xnnpack(tmp_path: Path) -> None:
    content = _int8(build_locator(SIDE))
    for target in TARGETS:
        check_runtime(read_facts(content), target, full_integer=True)
    path = tmp_path / "locator.tflite"
    path.write_bytes(content)
    assert json.loads(printed_by(CHILD, str(path)).splitlines()[-1]) == []


def _int8(model: object) -> bytes:
    """As `convert.formats.export.export_ptq`, for a model with one output."""
    films = np.random.default_rng(0).integers(0, 256, (4, 1, SIDE, SIDE, 1)).astype(np.float32)
    films[0], films[1] = 0, 255
    function = tf.function(lambda film: {"logits": model(film, training=False)})
    concrete = function.get_concrete_function(tf.TensorSpec((1, SIDE, SIDE, 1), tf.float32, name="film"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([film] for film in films)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())
