from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convert.formats.export import export_dynamic, export_float32
from convert.gates.isolated import run_isolated
from convert.packaging.contents import golden_films, make_golden, model_card
from convert.source import Source
from edge_app.errors import BundleError
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.golden import check_outputs
from edge_app.model.runtimes.registry import RUNTIMES


@pytest.fixture(scope="module")
def pixels(source: Source) -> np.ndarray:
    return np.stack([to_model_pixels(film, source.run.input_size_px) for film in golden_films()])


def test_golden_outputs_of_the_built_in_kernels_are_those_of_a_raspberry_pi(
    source: Source, ptq_file: bytes, runtimes: list[str], pixels: np.ndarray
) -> None:
    """arm64's built-in kernels give the reference kernels' bits (test-arm64.sh); x86-64 may round otherwise."""
    if "tflite-runtime" not in runtimes:
        pytest.skip("tflite-runtime is not installed here")
    golden = make_golden(ptq_file, model_card(source.run, "int8", "1.14.0"), runtimes)
    reference = run_isolated(ptq_file, 3, pixels, "tflite-runtime", reference=True)
    own = run_isolated(ptq_file, 3, pixels, "tflite-runtime")
    for name, expected in golden.expected["builtin"].items():
        assert np.array_equal(expected, reference[f"raw_{name}"]), name
        check_outputs({name: own[f"raw_{name}"]}, {name: expected}, golden.steps_allowed["builtin"], name)
    assert golden.steps_allowed["xnnpack"] == RUNTIMES["ai-edge-litert"].golden_steps_allowed


@pytest.mark.parametrize("export", [export_dynamic, export_float32])
def test_golden_outputs_of_float_kernels_are_their_own(
    source: Source, runtimes: list[str], pixels: np.ndarray, export: Callable[[Any], bytes]
) -> None:
    if "tflite-runtime" not in runtimes:
        pytest.skip("tflite-runtime is not installed here")
    model = export(source.model)
    golden = make_golden(model, model_card(source.run, "float", "1.14.0"), runtimes)
    own = run_isolated(model, 3, pixels, "tflite-runtime")
    assert all(np.array_equal(golden.expected["builtin"][name], own[f"raw_{name}"]) for name in ("logits", "features"))
    assert golden.steps_allowed == {RUNTIMES[name].kernels: RUNTIMES[name].golden_steps_allowed for name in runtimes}


def test_kernels_too_far_from_the_reference_give_no_golden_outputs(
    source: Source, ptq_file: bytes, runtimes: list[str]
) -> None:
    """A golden check that allows any output detects no broken runtime."""
    if "tflite-runtime" not in runtimes:
        pytest.skip("tflite-runtime is not installed here")
    with pytest.raises(BundleError, match="does not agree with its reference kernels"):
        make_golden(ptq_file, model_card(source.run, "int8", "1.14.0"), runtimes, most_steps=-1)
