"""The formats that convert makes, one entry each: command line, model card and gates derive from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert.formats.export import (
    export_dynamic,
    export_float16,
    export_float32,
    export_int8,
    export_int16x8,
    export_ptq,
)
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


QAT, PTQ = "int8", "ptq"  # the same kind of file with and without training for it; reports compare them
FORMATS = {
    one.name: one
    for one in (
        Format(
            name=QAT,
            help="quantization-aware training; also makes --ptq",
            quantization="int8, quantization-aware training",
            full_integer=True,
            export=_quantization_aware,
        ),
        Format(
            name=PTQ,
            help="full int8 from representative films",
            quantization="int8, post-training",
            full_integer=True,
            export=lambda source, _: export_ptq(source.model, source.training.pixels),
        ),
        Format(
            name="float16",
            help="float16 weights",
            quantization="float16 weights",
            full_integer=False,
            export=lambda source, _: export_float16(source.model),
        ),
        Format(
            name="dynamic",
            help="int8 weights, float activations",
            quantization="int8 weights, dynamic range",
            full_integer=False,
            export=lambda source, _: export_dynamic(source.model),
        ),
        Format(
            name="float32",
            help="the float model as it is: the int8 file's twin",
            quantization="float32",
            full_integer=False,
            export=lambda source, _: export_float32(source.model),
        ),
        Format(
            name="int16x8",
            help="int8 weights, int16 activations",
            quantization="int8 weights, int16 activations",
            full_integer=False,
            export=lambda source, _: export_int16x8(source.model, source.training.pixels),
        ),
    )
}
