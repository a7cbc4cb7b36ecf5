import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests_support import printed_by

from convert.conversion import Conversion, target_runtimes
from convert.gates.delegation import Observation, check_delegation, observe
from convert.gates.layers import layer_errors, layer_table
from convert.gates.operators import check_runtime, read_facts
from convert.inference.isolated import run_isolated
from convert.options import RUNTIMES_OF_TARGET
from convert.packaging.contents import model_card
from convert.packaging.metadata import ENTRY, with_metadata
from convert.source import Source
from edge_app.errors import BundleError, GateError, RuntimeUnavailable
from edge_app.model.runtimes.tflite_runtime import OPERATOR_VERSIONS


def test_operator_outside_xnnpack_is_refused_by_name_unless_allowed() -> None:
    seen = Observation("ai-edge-litert", "2", 27, 25, ("AVERAGE_POOL_2D", "SOFTMAX"), 1.0)
    with pytest.raises(GateError, match=r"25 of 27 operators and leaves AVERAGE_POOL_2D, SOFTMAX"):
        check_delegation(seen, ())
    with pytest.raises(GateError, match=r"leaves SOFTMAX"):
        check_delegation(seen, ("AVERAGE_POOL_2D",))
    check_delegation(seen, ("AVERAGE_POOL_2D", "SOFTMAX"))


def test_old_runtime_is_not_asked_for_xnnpack() -> None:
    check_delegation(Observation("tflite-runtime", "2.14.0", 27, 0, ("CONV_2D",), 1.0), ())


def test_int8_file_runs_wholly_in_xnnpack_under_litert(source: Source, ptq_file: bytes) -> None:
    seen = observe(ptq_file, 3, source.run.input_size_px, "ai-edge-litert")
    assert seen.delegated == seen.operators == len(read_facts(ptq_file).operators)
    assert seen.outside_xnnpack == ()
    assert seen.latency_ms > 0


def test_file_that_no_runtime_takes_is_a_bundle_error(source: Source) -> None:
    with pytest.raises(BundleError, match="cannot"):
        observe(b"\0" * 64, 3, source.run.input_size_px, "ai-edge-litert")


def _with_operator(model: bytes, name: str, version: int) -> bytes:
    """The same file, with one more operator in its list that no node uses: a runtime must still know it."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    root = schema.ModelT.InitFromPackedBuf(model, 0)
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode, code.version, code.customCode = min(code.builtinCode, 127), version, None
    root.operatorCodes.append(code)
    builder = flatbuffers.Builder(len(model) + 1024)
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_operator_versions_of_the_old_runtime_are_those_of_its_wheel(
    ptq_file: bytes, runtimes: list[str], tmp_path: Path
) -> None:
    if "tflite-runtime" not in runtimes:
        pytest.skip("tflite-runtime is not installed here")
    for name, version in OPERATOR_VERSIONS.items():
        (tmp_path / f"{name}.known").write_bytes(_with_operator(ptq_file, name, version))
        (tmp_path / f"{name}.unknown").write_bytes(_with_operator(ptq_file, name, version + 1))
    loaded = _loaded_by_the_old_runtime(tmp_path)
    assert loaded == {f"{name}.known" for name in OPERATOR_VERSIONS}


def _loaded_by_the_old_runtime(folder: Path) -> set[str]:
    script = """
import pathlib, sys
from tflite_runtime.interpreter import Interpreter
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        Interpreter(model_path=str(path))
        print(path.name)
    except ValueError as error:
        assert "Didn't find op" in str(error), error
"""
    return set(printed_by(script, str(folder)).split())


def test_full_integer_file_passes_the_runtime_gate(ptq_file: bytes) -> None:
    facts = read_facts(ptq_file)
    check_runtime(facts, "tflite-runtime-2.14", full_integer=True)
    assert facts.input_quantization == (1.0, -128)


def test_float_tensors_quantize_and_custom_operators_are_refused(ptq_file: bytes) -> None:
    facts = read_facts(ptq_file)
    floats = dataclasses.replace(facts, tensor_types=facts.tensor_types | {"FLOAT32"})
    with pytest.raises(GateError, match="FLOAT32"):
        check_runtime(floats, "litert", full_integer=True)
    ends = dataclasses.replace(facts, operators=(("QUANTIZE", 1), *facts.operators))
    with pytest.raises(GateError, match="QUANTIZE"):
        check_runtime(ends, "litert", full_integer=True)
    flex = dataclasses.replace(facts, operators=(("CUSTOM:FlexErf", 1), *facts.operators))
    with pytest.raises(GateError, match="FlexErf"):
        check_runtime(flex, "litert", full_integer=False)


def test_file_for_litert_need_not_run_in_the_old_runtime() -> None:
    both = ["ai-edge-litert", "tflite-runtime"]
    assert target_runtimes("tflite-runtime-2.14", both) == both
    assert target_runtimes("litert", both) == ["ai-edge-litert"]
    with pytest.raises(RuntimeUnavailable, match=f"gates need {' or '.join(RUNTIMES_OF_TARGET['litert'])}"):
        target_runtimes("litert", ["tflite-runtime"])


def test_metadata_changes_no_answer_and_can_be_read(source: Source, ptq_file: bytes, runtimes: list[str]) -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    card = model_card(source.run, "int8", source.locator)
    told = with_metadata(ptq_file, card)
    for runtime in runtimes:
        before = run_isolated(ptq_file, 3, source.validation.pixels[:4], runtime)
        after = run_isolated(told, 3, source.validation.pixels[:4], runtime)
        assert all((before[name] == after[name]).all() for name in before)
    root = schema.ModelT.InitFromPackedBuf(told, 0)
    entry = next(entry for entry in root.metadata if entry.name == ENTRY)
    data = bytes(root.buffers[entry.buffer].data)
    assert data[4:8] == b"M001"
    # A flatbuffer holds strings as plain bytes; tflite-support's own reader was tried once by hand.
    for word in (b"film", b"labels.txt", b"class_map", card.intended_use.encode()):
        assert word in data


def test_buffers_stay_at_16_bytes(source: Source, ptq_file: bytes) -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    told = with_metadata(ptq_file, model_card(source.run, "int8", source.locator))
    root = schema.Model.GetRootAs(told, 0)
    held = [root.Buffers(number) for number in range(root.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in held if buffer.DataLength()]
    assert len(starts) > 5
    assert {start % 16 for start in starts} == {0}


def test_layer_report_names_the_layer_that_was_spoiled(conversion: Conversion, ptq_file: bytes) -> None:
    pixels, runtime = conversion.source.validation.pixels, conversion.runtimes[0]
    errors = layer_errors(conversion.float_twin, ptq_file, pixels, runtime)
    assert [error.operator for error in errors] == [name for name, _ in read_facts(ptq_file).operators]
    spoiled = _with_spoiled_layer(ptq_file, number=3)
    worst = max(layer_errors(conversion.float_twin, spoiled, pixels, runtime), key=_lost)
    assert worst.number == 3
    assert "**most**" in layer_table(errors)


def test_layers_of_two_networks_are_not_compared(conversion: Conversion) -> None:
    with pytest.raises(BundleError, match="cannot be compared"):
        layer_errors(conversion.float_twin, b"no model", conversion.source.validation.pixels, conversion.runtimes[0])


def _lost(error: Any) -> float:
    return float(error.lost_db)


def _with_spoiled_layer(model: bytes, number: int) -> bytes:
    """The weights of one convolution negated."""
    import flatbuffers
    import numpy as np
    from tensorflow.lite.python import schema_py_generated as schema

    root = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = root.subgraphs[0]
    kernel = root.buffers[graph.tensors[graph.operators[number - 1].inputs[1]].buffer]
    kernel.data = (-np.array(kernel.data, np.uint8).view(np.int8)).view(np.uint8)
    builder = flatbuffers.Builder(len(model) + 1024)
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())
