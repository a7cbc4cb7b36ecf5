"""Which layer loses the most: a quantized file against its float twin, operator by operator.

Both files come from the same network, so they hold the same operators in the same order. QUANTIZE
and DEQUANTIZE between them are skipped. Both run in a child process, on the built-in kernels,
because XNNPACK does not expose its tensors.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.inference.isolated import run_child
from edge_app.errors import BundleError, KitError
from edge_app.model.runtimes.base import Runtime
from edge_app.model.runtimes.registry import load_runtime

FILMS = 32
BETWEEN = {"QUANTIZE", "DEQUANTIZE", "DELEGATE"}
EXACT_DB = 99.0  # signal-to-noise where there is no error


@dataclass(frozen=True)
class LayerError:
    """Quantized minus float at one operator's output, over some films."""

    number: int  # its position in the file, from 1
    operator: str
    shape: tuple[int, ...]
    largest: float  # absolute value of the float output
    error_rms: float
    error_max: float
    signal_to_noise_db: float
    lost_db: float  # against its worst input: the error that this operator itself adds


def layer_errors(float_twin: bytes, quantized: bytes, pixels: np.ndarray, package: str) -> list[LayerError]:
    """Compare two files operator by operator.

    Args:
        pixels: uint8 (films, side, side); the first `FILMS` are used.
        package: the runtime to run both in.
    Raises:
        BundleError: a file does not run, or the two are of different networks.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("float", "quantized", "films.npy")]
        paths[0].write_bytes(float_twin)
        paths[1].write_bytes(quantized)
        np.save(paths[2], pixels[:FILMS])
        printed = run_child("convert.gates.layers", [*map(str, paths), package], "the layers cannot be compared")
    rows = json.loads(printed.splitlines()[-1])
    return [LayerError(**row | {"shape": tuple(row["shape"])}) for row in rows]


def layer_table(errors: Sequence[LayerError]) -> str:
    """One line per operator, in Markdown; the one that adds the most error is marked."""
    lines = [
        "| # | operator | output | largest | error, rms | error, max | SNR (dB) | lost here (dB) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    worst = max(errors, key=lambda error: error.lost_db)
    for error in errors:
        mark = " **most**" if error is worst else ""
        shape = "x".join(map(str, error.shape[1:]))
        figures = (
            f"{error.largest:.3g} | {error.error_rms:.3g} | {error.error_max:.3g} | {error.signal_to_noise_db:.1f}"
        )
        lines.append(f"| {error.number} | {error.operator} | {shape} | {figures} | {error.lost_db:.1f}{mark} |")
    return "\n".join(lines)


class _Opened:
    """One file; all its tensors can be read after an inference."""

    def __init__(self, content: bytes, runtime: Runtime) -> None:
        built_in = runtime.module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter = runtime.module.Interpreter(
            model_content=content, experimental_preserve_all_tensors=True, experimental_op_resolver_type=built_in
        )
        self._interpreter.allocate_tensors()
        self._details = {detail["index"]: detail for detail in self._interpreter.get_tensor_details()}
        details = self._interpreter._get_ops_details()
        self.operators = [operator for operator in details if operator["op_name"] not in BETWEEN]
        self.signature = [(operator["op_name"], self.shape(operator)) for operator in self.operators]

    def shape(self, operator: dict[str, Any]) -> tuple[int, ...]:
        return tuple(int(side) for side in self._details[int(operator["outputs"][0])]["shape"])

    def run(self, film: np.ndarray) -> list[np.ndarray]:
        """The output of every operator, in real units, for a film uint8 (side, side)."""
        given = self._interpreter.get_input_details()[0]
        scale, zero_point = given["quantization"]
        values = film[None, :, :, None].astype(np.float32)
        if given["dtype"] == np.int8:
            values = np.clip(np.round(values / scale) + zero_point, -128, 127).astype(np.int8)
        self._interpreter.set_tensor(given["index"], values)
        self._interpreter.invoke()
        return [self._real(int(operator["outputs"][0])) for operator in self.operators]

    def _real(self, tensor: int) -> np.ndarray:
        values = self._interpreter.get_tensor(tensor).astype(np.float64)
        scale, zero_point = self._details[tensor]["quantization"]
        return values if scale == 0 else (values - zero_point) * scale


def _compared(float_twin: _Opened, quantized: _Opened, films: np.ndarray) -> list[LayerError]:
    if float_twin.signature != quantized.signature:
        raise BundleError("the float file and the quantized file hold different operators")
    count = len(float_twin.operators)
    signal, noise, largest, worst = (np.zeros(count) for _ in range(4))
    for film in films:
        for row, (wanted, got) in enumerate(zip(float_twin.run(film), quantized.run(film), strict=True)):
            error = np.abs(got - wanted)
            signal[row] += (wanted**2).mean() / len(films)
            noise[row] += (error**2).mean() / len(films)
            largest[row] = max(largest[row], np.abs(wanted).max())
            worst[row] = max(worst[row], error.max())
    decibels = np.minimum(10 * np.log10((signal + 1e-30) / (noise + 1e-30)), EXACT_DB)
    maker = {int(operator["outputs"][0]): row for row, operator in enumerate(float_twin.operators)}
    errors = []
    for row, operator in enumerate(float_twin.operators):
        inputs = [decibels[maker[int(tensor)]] for tensor in operator["inputs"] if int(tensor) in maker]
        errors.append(
            LayerError(
                number=row + 1,
                operator=str(operator["op_name"]),
                shape=float_twin.shape(operator),
                largest=float(largest[row]),
                error_rms=float(np.sqrt(noise[row])),
                error_max=float(worst[row]),
                signal_to_noise_db=float(decibels[row]),
                # The film itself is exact, so the first operator has no loss to compare with.
                lost_db=float(min(inputs) - decibels[row]) if inputs else 0.0,
            )
        )
    return errors


def main(words: list[str]) -> int:
    """The child: prints a JSON array of layer errors."""
    float_twin, quantized, films, package = words
    try:
        runtime = load_runtime(package)
        twin, small = (_Opened(Path(path).read_bytes(), runtime) for path in (float_twin, quantized))
        errors = _compared(twin, small, np.load(films))
    except (KitError, ValueError, RuntimeError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 1
    print(json.dumps([asdict(error) for error in errors]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
