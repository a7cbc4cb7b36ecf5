"""The files of a reference network to time: .tflite, SavedModel and ONNX; needs the `train` extra.

`python -m benchmarks.device.network_files NAME DIR` writes NAME-int8.tflite and NAME-float32.tflite, a
SavedModel and, where tf2onnx is installed, an ONNX file; with the path of a trained Keras model for
NAME it exports that as a SavedModel.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.device.reference_networks import NETWORKS
from edge_app.system.files import write_atomically

CALIBRATION_IMAGES = 8
CALIBRATION_SEED = 8
ONNX_OPSET = 17


def files_of(name: str, folder: Path) -> dict[str, Path]:
    """The paths of a network's files, by kind."""
    return {
        "int8": folder / f"{name}-int8.tflite",
        "float32": folder / f"{name}-float32.tflite",
        "saved_model": folder / f"{name}-saved-model",
        "onnx": folder / f"{name}.onnx",
    }


def write_network(name: str, folder: Path) -> None:
    """Build one network and write its files, except those that exist.

    Raises:
        ImportError: TensorFlow is not installed.
    """
    from train.keras import keras, tf

    folder.mkdir(parents=True, exist_ok=True)
    files = files_of(name, folder)
    network = NETWORKS[name]
    keras.utils.set_random_seed(CALIBRATION_SEED)
    model = network.build(keras, network.size_px)
    if not files["saved_model"].exists():
        partial = folder / f"{name}-partial"
        shutil.rmtree(partial, ignore_errors=True)
        tf.saved_model.save(model, str(partial))
        partial.rename(files["saved_model"])
    for kind in ("float32", "int8"):
        if not files[kind].exists():
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
            if kind == "int8":
                _quantize(converter, network.size_px)
            write_atomically(files[kind], converter.convert())
    if not files["onnx"].exists():
        write_onnx(files["onnx"], saved_model=files["saved_model"])


def write_onnx(path: Path, saved_model: Path | None = None, tflite: Path | None = None) -> bool:
    """Write an ONNX file of a SavedModel or of a float .tflite file.

    Returns:
        False where tf2onnx is not installed.
    """
    if not find_spec("tf2onnx"):
        return False
    source = ["--saved-model", str(saved_model)] if saved_model else ["--tflite", str(tflite)]
    partial = path.with_name(f"{path.name}.partial")
    words = [*source, "--output", str(partial), "--opset", str(ONNX_OPSET)]
    subprocess.run([sys.executable, "-m", "tf2onnx.convert", *words], check=True, stdout=sys.stderr)
    partial.replace(path)
    return True


def _quantize(converter: Any, size_px: int) -> None:
    """Let a converter quantize to integers throughout, calibrated on noise: the ranges do not change the time."""
    from train.keras import tf

    def images() -> Iterator[list[Any]]:
        random = np.random.default_rng(CALIBRATION_SEED)
        for _ in range(CALIBRATION_IMAGES):
            yield [random.uniform(0, 255, (1, size_px, size_px, 3)).astype(np.float32)]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = images
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8


def write_saved_model(keras_model: Path, folder: Path) -> None:
    """Export a trained .keras or .h5 model, to be timed in TensorFlow.

    Raises:
        ImportError: TensorFlow is not installed.
        OSError, ValueError: the file holds no Keras model.
    """
    import train.networks.blocks  # noqa: F401  # the kit's own layers, which Keras reads by their names
    from train.keras import keras, tf

    shutil.rmtree(folder, ignore_errors=True)
    tf.saved_model.save(keras.models.load_model(keras_model, compile=False), str(folder))


if __name__ == "__main__":
    if sys.argv[1] in NETWORKS:
        write_network(sys.argv[1], Path(sys.argv[2]))
    else:
        write_saved_model(Path(sys.argv[1]), Path(sys.argv[2]))
