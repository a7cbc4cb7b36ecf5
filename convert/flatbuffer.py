"""The runtime gate: what a .tflite file asks of the interpreter that is to run it."""

from dataclasses import dataclass
from typing import Any

from edge_app.errors import GateError

# The newest version of each operator that tflite-runtime 2.14 knows, of those that the kit's
# networks use. Source: lite/core/kernels/register.cc at TensorFlow 2.14.
TFLITE_2_14_VERSIONS = {
    "ADD": 4,
    "AVERAGE_POOL_2D": 3,
    "CONCATENATION": 4,
    "CONV_2D": 7,
    "DEPTHWISE_CONV_2D": 6,
    "DEQUANTIZE": 4,
    "FULLY_CONNECTED": 10,
    "MAX_POOL_2D": 3,
    "MEAN": 3,
    "MUL": 6,
    "PAD": 4,
    "QUANTIZE": 3,
    "RELU": 3,
    "RELU6": 3,
    "RESHAPE": 1,
}
TARGETS = ("tflite-runtime-2.14", "litert")


@dataclass(frozen=True)
class ModelFacts:
    """What stands in a .tflite file. `operators` are (name, version) pairs in their order of use."""

    operators: tuple[tuple[str, int], ...]
    tensor_types: frozenset[str]
    minimum_runtime: str


def read_facts(model: bytes) -> ModelFacts:
    """Read operators, tensor types and the minimum runtime off the flatbuffer."""
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
    )


def _minimum_runtime(root: Any) -> str:
    """The converter's own word, e.g. "1.14.0"; empty when it left none."""
    for entry in root.metadata or []:
        if entry.name == b"min_runtime_version":
            return bytes(root.buffers[entry.buffer].data).rstrip(b"\0").decode()
    return ""


def check_runtime(facts: ModelFacts, target: str, full_integer: bool) -> None:
    """Refuse a file that the target cannot run, or that is not full integer though it should be.

    Args:
        target: one of `TARGETS`; LiteRT is newer than the converter and knows all its operators.
    Raises:
        GateError: says which operator or tensor type.
    """
    custom = sorted({name for name, _ in facts.operators if name.startswith("CUSTOM")})
    if custom:
        raise GateError(f"the file needs {', '.join(custom)}, which no device has: change the network")
    if target == "tflite-runtime-2.14":
        too_new = sorted(
            f"{name} v{version}"
            for name, version in set(facts.operators)
            if version > TFLITE_2_14_VERSIONS.get(name, 0)
        )
        if too_new:
            raise GateError(f"{target} does not know {', '.join(too_new)}: use --target litert or another format")
    if full_integer:
        _check_full_integer(facts)


def _check_full_integer(facts: ModelFacts) -> None:
    floats = sorted(kind for kind in facts.tensor_types if kind.startswith("FLOAT"))
    if floats:
        raise GateError(f"the int8 file holds {', '.join(floats)} tensors: it would run them in float")
    names = {name for name, _ in facts.operators}
    ends = sorted(names & {"QUANTIZE", "DEQUANTIZE"})
    if ends:
        raise GateError(f"the int8 file holds {', '.join(ends)}: its input and output must be int8 as they are")
