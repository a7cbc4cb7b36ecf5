"""How far P(pneumonia) moves between a film as the hospital made it and its small, squashed twin.

A model is trained on small twins and used on originals, so both must give the same prediction. Both are read
as on the device: a large JPEG is decoded at reduced scale, then preprocessed.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from edge_app.errors import DataError
from edge_app.imaging.film import read_film
from edge_app.model.estimate import CONFIDENCE, Estimate, proportion
from edge_app.reading.decision import is_positive, p_finding
from edge_app.reading.predictor import Predictor, load_predictor
from train.data.sources import find_data

MOST_MEDIAN_CHANGE = 0.02  # of P(pneumonia)


@dataclass(frozen=True)
class StabilityOptions:
    """Options of `benchmarks stability`."""

    model: Path  # a bundle
    originals: str  # a data set of full-size films
    twins: str | None = None  # the data set of their small twins, of the same file names; None as for `train fit`


def stability(options: StabilityOptions) -> dict[str, Any]:
    """Score every original and its twin.

    Returns:
        Figures over the pairs, without names of films; `holds` says whether the median change is small enough.
    Raises:
        DataError: no original has a twin.
        BundleError: the model is unfit.
        FilmError: a film of a pair cannot be read.
    """
    predictor = load_predictor(options.model)
    pairs = film_pairs(options.originals, options.twins)
    p_original, p_twin = (np.array([_p_finding(predictor, pair[side]) for pair in pairs]) for side in (0, 1))
    identity = {"model": options.model.name, "model_sha256": predictor.bundle.sha256, "pairs": len(pairs)}
    return identity | compare_predictions(p_original, p_twin, predictor.card.operating_point()[1].threshold)


def film_pairs(originals: str, twins: str | None) -> list[tuple[Path, Path]]:
    """The files of films of the same label and name in two data sets on disk.

    Raises:
        DataError: there is none.
    """
    large, small = (
        {(film.label, film.name): film.source for film in find_data(data).films if isinstance(film.source, Path)}
        for data in (originals, twins)
    )
    pairs = [(file, small[film]) for film, file in large.items() if film in small]
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


def _p_finding(predictor: Predictor, file: Path) -> float:
    """P(finding) of a film that is read as the device reads it."""
    preparation, card = predictor.preparation, predictor.card
    pixels, _ = preparation.prepare(read_film(file, min_side_px=preparation.min_side_px).pixels)
    return float(p_finding(predictor.infer(pixels).logits, card.temperature, card.negative_index))
