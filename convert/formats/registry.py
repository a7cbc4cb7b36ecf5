"""The formats that convert makes, one entry each: command line, model card and gates derive from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convert.formats.export import export_dynamic, export_float16, export_float32, export_int8, export_ptq
from convert.options import ConvertOptions
from edge_app.errors import GateError

if TYPE_CHECKING:  # it imports TensorFlow, which `--help` does without
    from convert.source import Source


@dataclass(frozen=True)
class Format:
    """One way to make a .tflite file from a float model."""

    name: str  # the command's flag, and the end of file names
    help: str  # of the flag
    quantization: str  # what the model card says
    full_integer: bool  # must hold no float tensor, and XNNPACK must run all of it
    export: Callable[["Source", ConvertOptions], bytes]  # gives a .tflite file without a bundle's ZIP


def _quantization_aware(source: "Source", options: ConvertOptions) -> bytes:
    from convert.formats.qat import QatFilms, tune

    if source.run.own_network:
        raise GateError(
            "quantization-aware training needs a network that train fit made: use --ptq, or train this one with "
            "train fit --arch FILE:NAME"
        )
    films = QatFilms(source.training, source.context, source.selection_set)
    return export_int8(tune(source.model, films, options.qat, options.out))


def _of_model(export: Callable[[Any], bytes]) -> Callable[["Source", ConvertOptions], bytes]:
    return lambda source, _: export(source.model)


def _post_training(source: "Source", _: ConvertOptions) -> bytes:
    return export_ptq(source.model, source.training.pixels)


QAT, PTQ = "int8", "ptq"  # the same kind of file with and without training for it; reports compare them
_ALL = (
    Format(QAT, "trained for int8; also makes --ptq", "int8, quantization-aware training", True, _quantization_aware),
    Format(PTQ, "full int8 from representative films", "int8, post-training", True, _post_training),
    Format("float16", "float16 weights", "float16 weights", False, _of_model(export_float16)),
    Format("dynamic", "int8 weights alone", "int8 weights, dynamic range", False, _of_model(export_dynamic)),
    Format("float32", "the float model: the int8 file's twin", "float32", False, _of_model(export_float32)),
)
FORMATS = {one.name: one for one in _ALL}
