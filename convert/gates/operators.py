"""The runtime gate: what a .tflite file needs from the interpreter that will run it."""

import struct
from dataclasses import dataclass
from typing import Any

from convert.options import RUNTIMES_OF_TARGET
from edge_app.errors import GateError
from edge_app.model.runtimes.registry import RUNTIMES

IDENTIFIER = b"TFL3"
EXACT_INPUT = (1.0, -128)  # an 8-bit pixel p becomes p - 128: nothing is rounded or clipped


@dataclass(frozen=True)
class ModelFacts:
    """What a .tflite file holds. `operators` are (name, version) pairs in their order of use."""

    operators: tuple[tuple[str, int], ...]
    tensor_types: frozenset[str]
    minimum_runtime: str
    input_quantization: tuple[float, int] | None  # scale and zero point; None for a float input
    in_float: set[str]  # names of operators that give float tensors


def read_facts(model: bytes) -> ModelFacts:
    """Read operators, tensor types and the minimum runtime from the flatbuffer.

    Raises:
        GateError: the bytes are not a complete .tflite file.
    """
    if model[4:8] != IDENTIFIER:
        raise GateError(f"the file does not begin as a .tflite file: got {model[4:8]!r}, expected {IDENTIFIER!r}")
    try:
        return _facts(model)
    # The flatbuffer reader follows offsets without checks, so damage can raise any of these.
    except (struct.error, IndexError, KeyError, ValueError, TypeError, AttributeError, MemoryError) as cause:
        raise GateError(f"the .tflite file is cut short or damaged: {cause!r}: convert again") from cause


def _facts(model: bytes) -> ModelFacts:
    from tensorflow.lite.python import schema_py_generated as schema

    root = schema.ModelT.InitFromPackedBuf(model, 0)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    kinds = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    codes = [
        (
            names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            if not code.customCode
            else f"CUSTOM:{code.customCode.decode()}",
            int(code.version),
        )
        for code in root.operatorCodes
    ]
    return ModelFacts(
        operators=tuple(codes[operator.opcodeIndex] for graph in root.subgraphs for operator in graph.operators),
        tensor_types=frozenset(kinds[tensor.type] for graph in root.subgraphs for tensor in graph.tensors),
        minimum_runtime=_minimum_runtime(root),
        input_quantization=_input_quantization(root.subgraphs[0]),
        in_float={
            codes[operator.opcodeIndex][0]
            for graph in root.subgraphs
            for operator in graph.operators
            if kinds[graph.tensors[operator.outputs[0]].type].startswith("FLOAT")
        },
    )


def _input_quantization(graph: Any) -> tuple[float, int] | None:
    found = graph.tensors[graph.inputs[0]].quantization
    if found is None or found.scale is None or not len(found.scale):
        return None
    return float(found.scale[0]), int(found.zeroPoint[0])


def _minimum_runtime(root: Any) -> str:
    """What the converter wrote, such as "1.14.0"; empty if it wrote nothing."""
    for entry in root.metadata or []:
        if entry.name == b"min_runtime_version":
            return bytes(root.buffers[entry.buffer].data).rstrip(b"\0").decode()
    return ""


def check_runtime(facts: ModelFacts, target: str, full_integer: bool) -> None:
    """Refuse a file that the target cannot run, or that should be full integer and is not.

    Args:
        target: one of `convert.options.TARGETS`.
    Raises:
        GateError: names the operator or tensor type.
    """
    custom = sorted({name for name, _ in facts.operators if name.startswith("CUSTOM")})
    if custom:
        raise GateError(f"the file needs {', '.join(custom)}, which no device has: change the network")
    for kind in (RUNTIMES[package] for package in RUNTIMES_OF_TARGET[target]):
        known, used = kind.operator_versions, sorted(set(facts.operators))
        too_new = [f"{name} v{version}" for name, version in used if known and version > known.get(name, 0)]
        if too_new:
            raise GateError(f"{kind.target} does not know {', '.join(too_new)}: use a newer --target or another format")
    if full_integer:
        _check_full_integer(facts)


def _check_full_integer(facts: ModelFacts) -> None:
    floats = sorted(kind for kind in facts.tensor_types if kind.startswith("FLOAT"))
    if floats:
        computed = f" of {', '.join(sorted(facts.in_float - {'DEQUANTIZE'}))}"
        raise GateError(f"the int8 file holds {', '.join(floats)} tensors{computed}: it would run them in float")
    names = {name for name, _ in facts.operators}
    ends = sorted(names & {"QUANTIZE", "DEQUANTIZE"})
    if ends:
        raise GateError(f"the int8 file holds {', '.join(ends)}: its input and output must be int8 as they are")
    if facts.input_quantization != EXACT_INPUT:
        raise GateError(
            f"the input has scale and zero point {facts.input_quantization}, expected {EXACT_INPUT}: "
            "its range was not measured on films with pixels of 0 to 255"
        )
