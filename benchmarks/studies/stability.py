"""How far P(pneumonia) moves between a film as the hospital made it and its small, squashed twin.

A model is trained on small twins and used on originals, so both must give the same prediction. Both are read
as on the device: a large JPEG is decoded at reduced scale, then preprocessed.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from edge_app.errors import DataError
from edge_app.imaging.film import read_film
from edge_app.model.estimate import CONFIDENCE, Estimate, proportion
from edge_app.model.preparation import Preparation
from edge_app.reading.decision import is_positive, p_finding
from edge_app.system.files import sha256_of
from train.data.labelled import LabelledFilm
from train.data.sources import find_data

MOST_MEDIAN_CHANGE = 0.02  # of P(pneumonia)


@dataclass(frozen=True)
class StabilityOptions:
    """Options of `benchmarks stability`."""

    model: Path  # the .keras file of a run, or a bundle
    originals: str  # a data set of full-size films
    twins: str | None = None  # the data set of their small twins, of the same file names; None as for `train fit`


@dataclass(frozen=True)
class Classifier:
    """A loaded model: `logits` maps uint8 (films, size, size) to float (films, classes)."""

    preparation: Preparation
    temperature: float
    threshold: float  # on P(finding)
    negative: int  # index of the class without the finding
    logits: Callable[[np.ndarray], np.ndarray]


def stability(options: StabilityOptions) -> dict[str, Any]:
    """Score every original and its twin.

    Returns:
        Figures over the pairs, without names of films; `holds` says whether the median change is small enough.
    Raises:
        DataError: no original has a twin, or the model is unfit.
        FilmError: a film of a pair cannot be read.
    """
    model, classifier = options.model, _classifier(options.model)
    pairs = film_pairs(options.originals, options.twins)
    p_original, p_twin = (_p_finding(classifier, [pair[side].source for pair in pairs]) for side in (0, 1))
    identity = {"model": model.name, "model_sha256": sha256_of(model.read_bytes()), "pairs": len(pairs)}
    return identity | compare_predictions(p_original, p_twin, classifier.threshold)


def film_pairs(originals: str, twins: str | None) -> list[tuple[LabelledFilm, LabelledFilm]]:
    """Films of the same label and name in two data sets on disk.

    Raises:
        DataError: there is none.
    """
    small = {(film.label, film.name): film for film in find_data(twins).films if isinstance(film.source, Path)}
    large = [film for film in find_data(originals).films if isinstance(film.source, Path)]
    pairs = [(film, small[film.label, film.name]) for film in large if (film.label, film.name) in small]
    if not pairs:
        raise DataError(f"no film of {originals} has a twin of the same name in {twins or 'the training films'}")
    return pairs


def compare_predictions(p_original: np.ndarray, p_twin: np.ndarray, threshold: float) -> dict[str, Any]:
    """Median change (with the interval of its order statistics), largest change, and changed decisions."""
    change = np.abs(p_original - p_twin)
    flips = int((is_positive(p_original, threshold) != is_positive(p_twin, threshold)).sum())
    median = median_with_interval(change)
    return {
        "median_change": asdict(median),
        "p95_change": float(np.percentile(change, 95)),
        "max_change": float(change.max()),
        "decisions_changed": flips,
        "share_changed": asdict(proportion(flips, len(change))),
        "threshold": threshold,
        "most_median_change": MOST_MEDIAN_CHANGE,
        "holds": bool(median.value < MOST_MEDIAN_CHANGE),
    }


def median_with_interval(values: np.ndarray) -> Estimate:
    """The median with its distribution-free interval, from the binomial distribution."""
    ranked, count = np.sort(values), len(values)
    rank = int(binom.ppf((1 - CONFIDENCE) / 2, count, 0.5))
    low, high = ranked[max(0, rank - 1)], ranked[min(count - 1, count - rank)]
    return Estimate(float(np.median(values)), float(low), float(high))


def _p_finding(classifier: Classifier, files: list[Any]) -> np.ndarray:
    """P(finding), float (films,); each film is read as the device reads it."""
    preparation = classifier.preparation
    films = (read_film(file, min_side_px=preparation.min_side_px).pixels for file in files)
    logits = classifier.logits(np.stack([preparation.prepare(film)[0] for film in films]))
    return p_finding(logits, classifier.temperature, classifier.negative)


def _classifier(model: Path) -> Classifier:
    """The model in the device's runtime, or the float model in TensorFlow."""
    if model.suffix == ".tflite":
        from edge_app.reading.predictor import load_predictor

        predictor = load_predictor(model)
        card = predictor.card
        threshold = card.operating_point()[1].threshold
        return Classifier(
            predictor.preparation,
            card.temperature,
            threshold,
            card.negative_index,
            lambda pixels: np.stack([predictor.infer(film).logits for film in pixels]),
        )
    from train.evaluation.run import read_run, run_preparation
    from train.networks.inference import predict

    network, _, run = read_run(model)
    threshold = run.calibration.operating_points[run.calibration.default_operating_point].threshold
    return Classifier(
        run_preparation(model, run),
        run.calibration.temperature,
        threshold,
        run.negative_index,
        lambda pixels: predict(network, pixels)["logits"],
    )
