"""Options of a conversion. Built once by `convert/__main__.py` or a study, and passed down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_app.model.runtimes.registry import RUNTIMES
from train.data.purpose import Purpose
from train.evaluation.floor import Floor

# A file for one runtime must run in it and in all newer ones.
RUNTIMES_OF_TARGET = {kind.target: tuple(RUNTIMES)[: place + 1] for place, kind in enumerate(RUNTIMES.values())}
TARGETS = tuple(reversed(RUNTIMES_OF_TARGET))  # the oldest first


@dataclass(frozen=True)
class Budget:
    """How much worse than its float model a converted file may be.

    On few films (`train.evaluation.floor.few_films`) one film is allowed where a share would allow none, and a
    loss of AUC inside its own paired interval counts as none. A budget of 0 is 0 on any number of films.
    """

    recall_films: int = 1  # additional films with the finding that may be missed, or ...
    recall: float = 0.005  # ... this share of them, 0..1, whichever is larger
    accuracy: float = 0.005  # loss of accuracy, 0..1
    flips: float = 0.01  # share of films whose decision changes, 0..1
    auc: float = 0.003  # loss of AUC, 0..1


@dataclass(frozen=True)
class QatOptions:
    """How the quantized model is tuned."""

    epochs: int = 8  # at most; 0 keeps the quantized model as it starts
    learning_rate: float = 2e-4  # the peak
    batch_size: int = 64  # films
    seed: int = 0  # of batches and augmentation
    patience: int = 3  # epochs that come no nearer to the float model before training stops
    resume: bool = False  # continue from the state that a killed run left


# By the name that `--scale` takes: gain and offset of each colour, or of all. The network was trained on
# gain * pixel + offset, with pixels of 0..255. The last two are keras.applications' modes "torch" and "caffe".
SCALES: dict[str, tuple[Sequence[float], Sequence[float]]] = {
    "0..255": ([1.0], [0.0]),
    "0..1": ([1 / 255], [0.0]),
    "-1..1": ([1 / 127.5], [-1.0]),
    "imagenet": (
        [1 / (255 * deviation) for deviation in (0.229, 0.224, 0.225)],
        [-mean / deviation for mean, deviation in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))],
    ),
    "caffe": ([1.0] * 3, [-103.939, -116.779, -123.68]),
}


@dataclass(frozen=True)
class NetworkOptions:
    """What a Keras network that this kit did not train leaves open."""

    labels: tuple[str, ...]  # its classes, in the order of its outputs
    scale: str = "0..255"  # the pixels that it was trained on, a key of SCALES
    channels: str = ""  # "gray" or "rgb"; empty for whatever it takes
    negative: str = ""  # the class without the finding; empty for normal, or else the first
    locator: str | None = None  # as for `train fit`


@dataclass(frozen=True)
class ConvertOptions:
    """Options of `convert`."""

    model: Path  # the .keras file in its run folder, or that of `network`
    out: Path  # folder for bundles and reports
    data: str | Sequence[str] | None = None  # the films it was trained on; None as for `train fit`
    formats: tuple[str, ...] = ("int8", "ptq")  # names from `convert.formats.registry.FORMATS`
    target: str = TARGETS[0]
    budget: Budget = field(default_factory=Budget)
    floor: Floor = field(default_factory=Floor)
    qat: QatOptions = field(default_factory=QatOptions)
    outside_xnnpack: tuple[str, ...] = ()  # names of operators that need not be delegated
    debug: bool = False  # compare layers of files that pass, too
    purpose: Purpose = field(default_factory=Purpose)  # stated anew; what the run states counts for the rest
    sign: Path | None = None  # an Ed25519 key of OpenSSH
    network: NetworkOptions | None = None  # of a model that `train fit` did not make
    overwrite: bool = False  # replace what `out` holds
