"""The float model as an ONNX file for other programs: no bundle, and the device does not take it."""

import json
from typing import Any

import numpy as np

from convert.conversion import check_floor
from convert.formats.export import quiet
from convert.options import ConvertOptions
from convert.source import Source, read_source
from edge_app.errors import DataError, GateError
from edge_app.model.runtimes.registry import chosen_runtime
from edge_app.system.files import write_atomically
from train.keras import tf
from train.networks.inference import BATCH, predict

OPSET = 17
LARGEST_DIFFERENCE = 1e-3  # of a logit, between ONNX Runtime and Keras


def convert_to_onnx(options: ConvertOptions) -> dict[str, Any]:
    """Write `NAME.onnx` to the folder `options.out`, and compare it with the Keras model on the validation films.

    Returns:
        `path`, `films`, and `largest_difference` of any logit.
    Raises:
        DataError: the `onnx` extra is not installed, or model and films do not belong together.
        GateError: the model is below the floor, or the file's logits differ from those of the Keras model.
    """
    try:
        import onnxruntime
        import tf2onnx
    except ImportError as cause:
        raise DataError(f"{cause.name} is missing: pip install 'cxr-edge-kit[train,onnx]'") from cause

    source = read_source(options, chosen_runtime().package)
    check_floor(source, options.floor)
    content = _exported(source, tf2onnx)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    pixels = source.validation.pixels
    batches = [pixels[start : start + BATCH, ..., None].astype(np.float32) for start in range(0, len(pixels), BATCH)]
    logits = np.concatenate([session.run(["logits"], {"film": batch})[0] for batch in batches])
    difference = float(np.abs(logits - predict(source.model, pixels)["logits"]).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise GateError(f"the ONNX file's logits differ by {difference:.2g}, {LARGEST_DIFFERENCE} allowed")
    path = options.out / f"{source.run.arch}.onnx"
    write_atomically(path, content)
    return {"path": str(path), "films": len(pixels), "largest_difference": difference}


def _exported(source: Source, tf2onnx: Any) -> bytes:
    """The file; its metadata say what a program must know to use it."""
    import onnx

    model, run = source.model, source.run
    film = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="film")

    @tf.function(input_signature=[film])
    def function(film: Any) -> Any:
        return dict(zip(model.output_names, model(film, training=False), strict=True))

    with quiet():  # it reports what it tried and did without
        made, _ = tf2onnx.convert.from_function(function, input_signature=[film], opset=OPSET)
    field = "lung field" if run.locator_sha256 else "whole film"
    facts = {
        "labels": run.labels,
        "negative": run.negative,
        "temperature": run.calibration.temperature,
        "threshold": run.calibration.default_threshold,
        "phantom": run.phantom,
        "input": f"the {field} as edge_app.model.preparation gives it, gray levels 0..255",
    }
    onnx.helper.set_model_props(made, {name: json.dumps(value) for name, value in facts.items()})
    return bytes(made.SerializeToString())
