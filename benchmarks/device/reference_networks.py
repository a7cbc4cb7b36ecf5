"""The networks that people would otherwise have used, built here without weights, as files to time.

Latency depends on a network's shape, not on what it learned, so every network has random weights and
the kit's three classes; none of these files can read a film. `python -m benchmarks.device.reference_networks NAME DIR`
writes NAME-int8.tflite and NAME-float32.tflite, a SavedModel and, where tf2onnx is installed, an
ONNX file; with the path of a trained Keras model for NAME it exports that. Needs the `train` extra.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CLASSES = 3
CALIBRATION_IMAGES = 8
CALIBRATION_SEED = 8
ONNX_OPSET = 17


@dataclass(frozen=True)
class Network:
    """One rival. `build` gives a tf_keras model; `source` says where its shape was published."""

    title: str
    size_px: int
    build: Callable[[Any, int], Any]
    source: str


def _mobilenet_v2(keras: Any, size_px: int) -> Any:
    shape = (size_px, size_px, 3)
    return keras.applications.MobileNetV2(shape, weights=None, classes=CLASSES, classifier_activation=None)


def _mobilenet_v3_small(keras: Any, size_px: int) -> Any:
    return keras.applications.MobileNetV3Small(
        (size_px, size_px, 3),
        weights=None,
        classes=CLASSES,
        classifier_activation=None,
        include_preprocessing=False,
    )


def _densenet201(keras: Any, size_px: int) -> Any:
    shape = (size_px, size_px, 3)
    return keras.applications.DenseNet201(
        weights=None, input_shape=shape, classes=CLASSES, classifier_activation="linear"
    )


def _convolution(keras: Any, x: Any, channels: int, side: int, stride: int, activate: bool = True) -> Any:
    x = keras.layers.Conv2D(channels, side, stride, "same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.ReLU(6.0)(x) if activate else x


def _depthwise(keras: Any, x: Any, side: int, stride: int) -> Any:
    x = keras.layers.DepthwiseConv2D(side, stride, "same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.ReLU(6.0)(x)


def _efficientnet_lite0(keras: Any, size_px: int) -> Any:
    """For colour pictures and 1,000 classes, as published; the kit's own is for gray films."""
    from train.networks.efficientnet_lite0 import HEAD_CHANNELS, STAGES, STEM_CHANNELS

    image = keras.Input((size_px, size_px, 3))
    x = _convolution(keras, image, STEM_CHANNELS, 3, 2)
    for repeats, side, first_stride, expansion, channels in STAGES:
        for stride in [first_stride] + [1] * (repeats - 1):
            start = x
            if expansion > 1:
                x = _convolution(keras, x, expansion * x.shape[-1], 1, 1)
            x = _convolution(keras, _depthwise(keras, x, side, stride), channels, 1, 1, activate=False)
            if stride == 1 and start.shape[-1] == channels:
                x = keras.layers.Add()([start, x])
    x = keras.layers.GlobalAveragePooling2D()(_convolution(keras, x, HEAD_CHANNELS, 1, 1))
    return keras.Model(image, keras.layers.Dense(CLASSES)(x))


def _visual_wake_words(keras: Any, size_px: int) -> Any:
    """MobileNetV1 at a quarter of its width."""
    image = keras.Input((size_px, size_px, 3))
    x = _convolution(keras, image, 8, 3, 2)
    strides_and_channels = [(1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128), *[(1, 128)] * 5, (2, 256), (1, 256)]
    for stride, channels in strides_and_channels:
        x = _convolution(keras, _depthwise(keras, x, 3, stride), channels, 1, 1)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(CLASSES)(x))


NETWORKS = {
    "mobilenet-v2": Network("MobileNetV2 1.0", 224, _mobilenet_v2, "Sandler 2018, arXiv:1801.04381; tf_keras"),
    "mobilenet-v3-small": Network(
        "MobileNetV3-Small", 224, _mobilenet_v3_small, "Howard 2019, arXiv:1905.02244; tf_keras"
    ),
    "efficientnet-lite0": Network(
        "EfficientNet-Lite0",
        224,
        _efficientnet_lite0,
        "TensorFlow TPU models, efficientnet/lite: B0 without squeeze-and-excite, ReLU6 for swish",
    ),
    "mlperf-tiny-vww": Network(
        "MLPerf Tiny visual wake words",
        96,
        _visual_wake_words,
        "Banbury 2021, arXiv:2106.07597: MobileNetV1 x 0.25 at 96 px",
    ),
    "densenet201": Network("DenseNet201", 224, _densenet201, "Huang 2017, arXiv:1608.06993; tf_keras"),
}


def files_of(name: str, folder: Path) -> dict[str, Path]:
    """Where the files of a network lie."""
    return {
        "int8": folder / f"{name}-int8.tflite",
        "float32": folder / f"{name}-float32.tflite",
        "saved_model": folder / f"{name}-saved-model",
        "onnx": folder / f"{name}.onnx",
    }


def write_network(name: str, folder: Path) -> None:
    """Build one network and write all its files; what is there already stays.

    Raises:
        ImportError: TensorFlow is not installed.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow
    import tf_keras

    folder.mkdir(parents=True, exist_ok=True)
    files = files_of(name, folder)
    network = NETWORKS[name]
    tf_keras.utils.set_random_seed(CALIBRATION_SEED)
    model = network.build(tf_keras, network.size_px)
    if not files["saved_model"].exists():
        partial = folder / f"{name}-partial"
        shutil.rmtree(partial, ignore_errors=True)
        tensorflow.saved_model.save(model, str(partial))
        partial.rename(files["saved_model"])
    for kind in ("float32", "int8"):
        if not files[kind].exists():
            converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
            _write(
                files[kind],
                _quantized(tensorflow, converter, network.size_px) if kind == "int8" else converter.convert(),
            )
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


def _quantized(tensorflow: Any, converter: Any, size_px: int) -> bytes:
    """Full-integer quantization, calibrated on noise: the ranges do not change the time."""

    def images() -> Iterator[list[Any]]:
        import numpy as np

        random = np.random.default_rng(CALIBRATION_SEED)
        for _ in range(CALIBRATION_IMAGES):
            yield [random.uniform(0, 255, (1, size_px, size_px, 3)).astype(np.float32)]

    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.representative_dataset = images
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tensorflow.int8
    converter.inference_output_type = tensorflow.int8
    content: bytes = converter.convert()
    return content


def _write(path: Path, content: bytes) -> None:
    from edge_app.system.files import write_atomically

    write_atomically(path, content)


def write_saved_model(keras_model: Path, folder: Path) -> None:
    """Export a trained .keras or .h5 model, so that TensorFlow can be timed on it.

    Raises:
        ImportError: TensorFlow is not installed.
        OSError, ValueError: the file is no such model.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow
    import tf_keras

    shutil.rmtree(folder, ignore_errors=True)
    tensorflow.saved_model.save(tf_keras.models.load_model(keras_model, compile=False), str(folder))


if __name__ == "__main__":
    if sys.argv[1] in NETWORKS:
        write_network(sys.argv[1], Path(sys.argv[2]))
    else:
        write_saved_model(Path(sys.argv[1]), Path(sys.argv[2]))
