"""Figures of a finished run on films that had no part in any choice, or on some hospital's alone."""

import sys
from dataclasses import asdict
from typing import Any

import numpy as np

from edge_app.reading.decision import softmax
from train.data.loading import LoadedFilms
from train.evaluation.metrics import score
from train.evaluation.run import Run
from train.networks.inference import predict


def test_figures(model: Any, run: Run, films: LoadedFilms, negative: int) -> dict[str, Any]:
    """Score a finished run on its test films, once, at the threshold that it has already frozen.

    Args:
        run: with the calibration that was chosen on the validation films.
        films: the test part; no film of it was trained, selected or calibrated on.
    """
    print(f"train: judging {len(films.films)} test films, once", file=sys.stderr, flush=True)
    return _figures(model, run, films, negative)


def figures_by_site(model: Any, run: Run, films: LoadedFilms, negative: int) -> dict[str, dict[str, Any]]:
    """Each hospital's validation films by themselves; nothing for a hospital that lacks a class."""
    sites = films.sites
    rows = {site: np.flatnonzero(sites == site) for site in np.unique(sites) if site}
    complete = {site: here for site, here in rows.items() if len(set(films.classes[here])) == len(run.labels)}
    return {site: _figures(model, run, films.only(here), negative) for site, here in complete.items()}


def _figures(model: Any, run: Run, films: LoadedFilms, negative: int) -> dict[str, Any]:
    point = run.calibration.operating_points[run.calibration.default_operating_point]
    probabilities = softmax(predict(model, films.pixels)["logits"], run.calibration.temperature)
    return asdict(score(films.classes, probabilities, run.labels, negative, point.threshold))
