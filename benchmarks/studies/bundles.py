"""Bundles side by side on every evaluation set, as the device answers: what a new one gains over an older one.

A figure of one bundle says little against another's that was measured on other films. Here all of them
answer the same validation films, each prepared as its own card says.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.network_tables import FIGURES
from edge_app.errors import DataError
from edge_app.reading.decision import softmax
from edge_app.reading.predictor import Predictor, load_predictor
from train.data.labelled import DataSet
from train.data.loading import load_films
from train.data.locator_files import find_locator, preparation_of
from train.data.sources import find_data
from train.data.split import VALIDATION, Manifest, apply_manifest, read_manifest
from train.evaluation.evaluation_sets import evaluation_sets
from train.evaluation.metrics import score


@dataclass(frozen=True)
class BundlesOptions:
    """Options of `benchmarks bundles`."""

    models: tuple[Path, ...]  # bundles whose training left out the same films
    manifest: Path  # of a run that one of them was made from
    data: str | Sequence[str] | None = None  # None as for `train fit`


def compare_bundles(options: BundlesOptions) -> list[dict[str, Any]]:
    """Score every bundle on every evaluation set, at its own threshold.

    Returns:
        One row per bundle: `model`, `preprocessing`, and under `judges` the figures by evaluation set.
    Raises:
        DataError: the films are missing, or a bundle was trained on some of them.
        BundleError: a bundle is unfit.
    """
    manifest = read_manifest(options.manifest)
    predictors = [load_predictor(path) for path in options.models]
    for predictor in predictors:
        if predictor.card.training.get("manifest_sha256") != manifest.sha256:
            raise DataError(
                f"{predictor.bundle.path.name} was trained on another split than {options.manifest}: "
                "it may have seen these films"
            )
    data = find_data(options.data)
    return [_row(predictor, data, manifest) for predictor in predictors]


def _row(predictor: Predictor, data: DataSet, manifest: Manifest) -> dict[str, Any]:
    card, preparation = predictor.card, predictor.preparation
    films = apply_manifest(load_films(data, preparation), manifest, VALIDATION)
    framing = preparation_of(preparation.size_px, find_locator(None))  # the same for every bundle
    threshold = card.operating_point()[1].threshold
    figures = {}
    for one in evaluation_sets(films, data.classes, preparation, framing):
        logits = np.stack([predictor.infer(pixels).logits for pixels in one.pixels])
        scored = asdict(score(one.classes, softmax(logits, card.temperature), data.classes, threshold, one.draws))
        figures[one.name] = {name: scored[name] for name in FIGURES} | {"films": len(one.classes)}
    return {"model": asdict(predictor.identity), "preprocessing": card.preprocessing_id, "judges": figures}
