"""A .tflite file with one int8 matrix product in it: the best rate that this core reaches.

It is written with the flatbuffer schema that ai-edge-litert contains, so it needs no TensorFlow.
"""

from pathlib import Path
from typing import Any

import numpy as np

# 256 KiB of weights and 128 KiB of input stay in the second-level cache of most cores.
ROWS, INNER, COLUMNS = 256, 512, 512
MACS = ROWS * INNER * COLUMNS
SEED = 11


def write_matmul(path: Path) -> None:
    """Write (ROWS, INNER) int8 times (INNER, COLUMNS) int8 as one FULLY_CONNECTED.

    Raises:
        ImportError: ai-edge-litert is not installed.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    from edge_app.system.files import write_atomically

    random = np.random.default_rng(SEED)
    weights = random.integers(-127, 128, (COLUMNS, INNER), dtype=np.int8)
    bias = random.integers(-1000, 1000, COLUMNS, dtype=np.int32)
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor(schema, "left", (ROWS, INNER), schema.TensorType.INT8, 1, 0.05),
        _tensor(schema, "right", (COLUMNS, INNER), schema.TensorType.INT8, 2, 0.01),
        _tensor(schema, "bias", (COLUMNS,), schema.TensorType.INT32, 3, 0.05 * 0.01),
        _tensor(schema, "product", (ROWS, COLUMNS), schema.TensorType.INT8, 0, 0.5),
    ]
    graph.inputs, graph.outputs, graph.operators = [0], [3], [_product(schema)]
    model = schema.ModelT()
    model.version = 3
    model.subgraphs = [graph]
    model.operatorCodes = [_code(schema)]
    model.buffers = [_buffer(schema, content) for content in (b"", b"", weights.tobytes(), bias.tobytes())]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    write_atomically(path, bytes(builder.Output()))


def _tensor(schema: Any, name: str, shape: tuple[int, ...], kind: int, buffer: int, scale: float) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), kind, buffer
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
    return tensor


def _product(schema: Any) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, 2], [3]
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    return operator


def _code(schema: Any) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4  # the first one with int8 inputs
    return code


def _buffer(schema: Any, content: bytes) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content, dtype=np.uint8) if content else None
    return buffer
