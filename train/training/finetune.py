"""Going on from a finished run: `fit --init MODEL`, for a site's own cases."""

from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from train.evaluation.run import read_run

LEARNING_RATE_SHARE = 0.1  # of the network's own, so that what it knows is changed and not washed away


def begin_from(model: Any, source: Path, arch: str, labels: tuple[str, ...]) -> None:
    """Give a new model the weights of a finished run.

    Raises:
        DataError: it is a converted file, which holds no weights to train; or a network or classes
            of another kind.
    """
    if source.suffix == ".tflite":
        raise DataError(
            f"{source} is a converted file: its weights are whole numbers, which cannot be trained on. Give --init the "
            "model.keras of the run that it was converted from"
        )
    found, _, run = read_run(source)
    if run.arch != arch or found.count_params() != model.count_params():
        raise DataError(f"{source} is a {run.arch} for {run.input_size_px} px, wanted {arch}: give --arch {run.arch}")
    if run.labels != labels:
        raise DataError(f"{source} answers {', '.join(run.labels)}, the films are of {', '.join(labels)}")
    model.set_weights(found.get_weights())
