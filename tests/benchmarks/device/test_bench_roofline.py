"""Operations per second: what is counted, and the matrix product they are compared with."""

from pathlib import Path

import pytest
from tests_support import printed_by

from benchmarks.device.harness.engines import multiply_accumulates
from benchmarks.device.harness.matmul import MACS, write_matmul
from benchmarks.device.roofline import MATMUL, add_rates


def test_multiply_accumulates_are_counted_by_hand() -> None:
    shapes = {1: (16, 3, 3, 1), 2: (1, 64, 64, 16), 3: (1, 3, 3, 16), 4: (1, 32, 32, 16), 5: (3, 16), 6: (1, 3)}
    ops = [
        {"op_name": "CONV_2D", "inputs": [0, 1], "outputs": [2]},
        {"op_name": "DEPTHWISE_CONV_2D", "inputs": [2, 3], "outputs": [4]},
        {"op_name": "MEAN", "inputs": [4, 7], "outputs": [8]},
        {"op_name": "FULLY_CONNECTED", "inputs": [8, 5], "outputs": [6]},
    ]
    assert multiply_accumulates(ops, shapes) == 64 * 64 * 16 * 9 + 32 * 32 * 16 * 9 + 48


def test_the_share_of_the_product_is_a_ratio_of_rates() -> None:
    def row(name: str, macs: int, ms: float) -> dict:
        facts = {"name": name, "engine": "e", "macs": macs, "quantization": "int8"}
        return facts | {"cpu_median_ms": ms, "rounds": {"cpu_median_ms": [ms] * 4}}

    net, product = row("net", 50_000_000, 0.5), row(MATMUL, 100_000_000, 0.4)
    add_rates([net, product, {"name": "x", "cannot_run": "why"}])
    assert (net["gops"], product["gops"]) == (200, 500)
    assert net["share_of_matmul"]["value"] == 0.4
    assert "share_of_matmul" not in product


def test_the_matrix_product_is_right(tmp_path: Path) -> None:
    pytest.importorskip("flatbuffers")
    write_matmul(tmp_path / "matmul.tflite")
    code = (
        "import sys, numpy as np; from pathlib import Path; from edge_app.model.runtimes.registry import load_runtime;"
        "i = load_runtime('ai-edge-litert').module.Interpreter(model_content=Path(sys.argv[1]).read_bytes());"
        "i.allocate_tensors(); g, w, b, o = (i.get_tensor_details()[k] for k in range(4));"
        "x = np.random.default_rng(1).integers(-128, 128, g['shape']).astype(np.int8);"
        "weights, bias = i.get_tensor(w['index']).astype(np.int64), i.get_tensor(b['index']);"
        "i.set_tensor(g['index'], x); i.invoke(); got = i.get_tensor(o['index']).astype(int);"
        "want = np.clip(np.round((x.astype(np.int64) @ weights.T + bias) * 0.05 * 0.01 / 0.5), -128, 127);"
        "print(np.abs(got - want).max(), want.std())"
    )
    off, spread = map(float, printed_by(code, str(tmp_path / "matmul.tflite")).split())
    assert off <= 1  # one step of rounding
    assert spread > 20  # and the product is no constant
    assert MACS == 256 * 512 * 512
