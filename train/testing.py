"""The test part of a split: scored last and once, after everything was chosen without it."""

import sys
from dataclasses import asdict
from typing import Any

from edge_app.decision import softmax
from train.inference import predict
from train.inputs import LoadedFilms
from train.metrics import score
from train.run import Run


def test_figures(model: Any, run: Run, films: LoadedFilms, negative: int) -> dict[str, Any]:
    """Score a finished run on its test films, at the threshold that it has already frozen.

    Args:
        run: with the calibration that was chosen on the validation films.
        films: the test part; no film of it was trained, selected or calibrated on.
    """
    print(f"train: judging {len(films.films)} test films, once", file=sys.stderr, flush=True)
    point = run.calibration.operating_points[run.calibration.default_operating_point]
    probabilities = softmax(predict(model, films.pixels)["logits"], run.calibration.temperature)
    return asdict(score(films.classes, probabilities, run.labels, negative, point.threshold))
