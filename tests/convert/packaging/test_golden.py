import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from drawn_locators import blind_locator, locator_files

from convert.formats.export import export_dynamic, export_float32
from convert.inference.isolated import locate_isolated, run_isolated
from convert.packaging.contents import golden_films, make_golden, model_card
from convert.source import Source
from edge_app.errors import BundleError
from edge_app.imaging.lung_field import LungField, crop, lung_coverage, lung_field
from edge_app.imaging.preprocess import WHOLE_FILM, to_model_pixels
from edge_app.model.golden import Golden, check_outputs
from edge_app.model.runtimes.registry import RUNTIMES


def _shown(source: Source, golden: Golden, family: str) -> np.ndarray:
    """The golden films cropped to their golden lung fields, as the model sees them."""
    fields = [LungField(*map(int, field)) for field in golden.fields[family]]
    size_px = source.run.input_size_px
    return np.stack(
        [to_model_pixels(crop(film, field), size_px) for film, field in zip(golden.films, fields, strict=True)]
    )


def test_golden_lung_fields_are_those_of_the_locator_in_each_runtime(
    source: Source, ptq_file: bytes, runtimes: list[str]
) -> None:
    golden = make_golden(ptq_file, model_card(source.run, "int8", source.locator), runtimes, source.locator)
    assert source.locator is not None
    side_px = source.locator.input_size_px
    views = np.stack([to_model_pixels(film, side_px) for film in golden_films()])
    assert set(golden.fields) == {RUNTIMES[name].kernels for name in runtimes}
    for name in runtimes:
        coverages = [lung_coverage(one) for one in locate_isolated(source.locator.int8, views, name)]
        for film, coverage, field in zip(golden.films, coverages, golden.fields[RUNTIMES[name].kernels], strict=True):
            found = lung_field(coverage, film.shape[1], film.shape[0])
            assert found is not None
            assert dataclasses.astuple(found) == tuple(field)
            assert (found.right - found.left) * (found.bottom - found.top) < 0.8 * film.size, "a crop, not the film"


def test_model_of_whole_films_has_no_golden_lung_fields(source: Source, ptq_file: bytes, runtimes: list[str]) -> None:
    card = model_card(source.run, "int8", None)
    assert (card.preprocessing_id, card.preprocessing_version) == WHOLE_FILM
    assert make_golden(ptq_file, card, runtimes).fields == {}


def test_locator_that_finds_no_lungs_gives_no_golden_outputs(
    source: Source, ptq_file: bytes, runtimes: list[str]
) -> None:
    blind = locator_files(blind_locator())
    with pytest.raises(BundleError, match="finds no lungs on 3 of 3 golden phantoms"):
        make_golden(ptq_file, model_card(source.run, "int8", blind), runtimes, blind)


def test_golden_outputs_of_the_built_in_kernels_are_those_of_a_raspberry_pi(
    source: Source, ptq_file: bytes, runtimes: list[str]
) -> None:
    """arm64's built-in kernels give the reference kernels' bits (test-arm64.sh); x86-64 may round otherwise."""
    if "tflite-runtime" not in runtimes:
        pytest.skip("tflite-runtime is not installed here")
    golden = make_golden(ptq_file, model_card(source.run, "int8", source.locator), runtimes, source.locator)
    pixels = _shown(source, golden, "builtin")
    reference = run_isolated(ptq_file, 3, pixels, "tflite-runtime", reference=True)
    own = run_isolated(ptq_file, 3, pixels, "tflite-runtime")
    for name, expected in golden.expected["builtin"].items():
        assert np.array_equal(expected, reference[f"raw_{name}"]), name
        check_outputs({name: own[f"raw_{name}"]}, {name: expected}, golden.steps_allowed["builtin"], name)
    assert golden.steps_allowed["xnnpack"] == RUNTIMES["ai-edge-litert"].golden_steps_allowed


@pytest.mark.parametrize("export", [export_dynamic, export_float32])
def test_golden_outputs_of_float_kernels_are_their_own(
    source: Source, runtimes: list[str], export: Callable[[Any], bytes]
) -> None:
    if "tflite-runtime" not in runtimes:
        pytest.skip("tflite-runtime is not installed here")
    model = export(source.model)
    golden = make_golden(model, model_card(source.run, "float", source.locator), runtimes, source.locator)
    own = run_isolated(model, 3, _shown(source, golden, "builtin"), "tflite-runtime")
    assert all(np.array_equal(golden.expected["builtin"][name], own[f"raw_{name}"]) for name in ("logits", "features"))
    assert golden.steps_allowed == {RUNTIMES[name].kernels: RUNTIMES[name].golden_steps_allowed for name in runtimes}


def test_kernels_too_far_from_the_reference_give_no_golden_outputs(
    source: Source, ptq_file: bytes, runtimes: list[str]
) -> None:
    """A golden check that allows any output detects no broken runtime."""
    if "tflite-runtime" not in runtimes:
        pytest.skip("tflite-runtime is not installed here")
    card = model_card(source.run, "int8", source.locator)
    with pytest.raises(BundleError, match="does not agree with its reference kernels"):
        make_golden(ptq_file, card, runtimes, source.locator, most_steps=-1)
