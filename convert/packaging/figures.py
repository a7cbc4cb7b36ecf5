"""The figures in the card: what the file scored, what its gates saw, and what its features look like."""

import dataclasses
from typing import Any

import numpy as np

from convert.inference.chain import Chain
from convert.inference.isolated import run_isolated
from convert.options import Budget
from convert.outcome import Examined
from convert.packaging.rejection_statistics import measure
from convert.source import Source
from edge_app.model.card import ModelCard
from edge_app.model.runtimes.registry import RUNTIMES
from edge_app.reading.decision import p_finding, softmax
from edge_app.reading.rejection import Template
from edge_app.system.files import sha256_of
from train.evaluation.floor import Floor
from train.evaluation.metrics import score

BAND_ENDS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0)  # of P(finding)
LEAST_FILMS = 20  # in a band of scores, so that a share of them says something


def measured_figures(examined: Examined, source: Source, runtime: str) -> dict[str, Any]:
    """What the file itself scores on every evaluation set, in the device's runtime.

    Raises:
        BundleError: the runtime refuses the file, or crashes on it.
    """
    model, card = examined.file.model, examined.file.card
    _, point = card.operating_point()
    figures = {}
    for films in source.evaluation_sets:
        if films.pixels is source.validation.pixels:  # the parity gate has run these
            logits = examined.outputs[runtime]["logits"]
        else:
            logits = run_isolated(model, len(card.labels), films.pixels, runtime)["logits"]
        probabilities = softmax(logits, card.temperature)
        scored = score(films.classes, probabilities, source.run.classes, point.threshold, films.draws)
        figures[films.name] = dataclasses.asdict(scored)
    return figures


def score_bands(scores: np.ndarray, has_finding: np.ndarray) -> list[dict[str, float | int]]:
    """Of films with about the same score, how many have the finding; bands of few films join the next.

    Args:
        scores: float (films,), P(finding).
        has_finding: bool (films,).
    """
    bands: list[dict[str, float | int]] = []
    start = 0.0
    for end in BAND_ENDS:
        inside = (scores >= start) & ((scores < end) | (end == 1))
        if inside.sum() >= LEAST_FILMS:
            films, finding = int(inside.sum()), int(has_finding[inside].sum())
            bands.append({"from": start, "to": end, "films": films, "finding": finding})
            start = end
    return bands


def lung_field_statistics(chain: Chain | None, runtime: str) -> dict[str, dict[str, float | int]]:
    """How large the lungs are on the validation films: the reference with which a site compares its own films.

    Args:
        chain: None for a model that sees whole films.
    Returns:
        For "height" and "width" of the lung field, margin included, as shares of the film's side: `films`, `mean` and
        `spread` (standard deviation with n - 1). Films on which no lungs are found do not count.
    """
    fields = zip(chain.fields(runtime), chain.sizes, strict=True) if chain else ()
    found = [(field, size) for field, size in fields if field]
    if len(found) < 2:
        return {}
    ends = np.array([field.as_fractions(*size) for field, size in found])
    shares = {"height": ends[:, 3] - ends[:, 1], "width": ends[:, 2] - ends[:, 0]}
    return {
        name: {"films": len(each), "mean": float(each.mean()), "spread": float(each.std(ddof=1))}
        for name, each in shares.items()
    }


def card_with_figures(
    examined: Examined,
    figures: dict[str, Any],
    source: Source,
    template: Template,
    budget: Budget,
    floor: Floor,
    runtime: str,
) -> ModelCard:
    """The finished card of an accepted file.

    Args:
        figures: from `measured_figures`.
        template: of upright films, from `convert.packaging.rejection_statistics.learn_template`.
    Raises:
        BundleError: the runtime refuses the file, or crashes on it.
    """
    model, card = examined.file.model, examined.file.card
    _, point = card.operating_point()
    scores = p_finding(examined.outputs[runtime]["logits"], card.temperature, card.negative_index)
    features = run_isolated(model, len(card.labels), source.training.pixels, runtime)["features"]
    return dataclasses.replace(
        card,
        metrics={
            "runtime": runtime,
            "films": "validation, held out by patient; not a test set"
            if card.class_map
            else "given to convert; whether the network was trained on them is not known",
            "judges": figures,
            "score_bands": score_bands(scores, source.validation.classes != card.negative_index),
        },
        parity={
            "model_bytes": len(model),
            "model_sha256": sha256_of(model),
            "threshold": point.threshold,
            "budget": dataclasses.asdict(budget),
            "floor": dataclasses.asdict(floor),
            "runtimes": {parity.runtime: parity.to_json(with_names=False) for parity in examined.parities},
            "outside_xnnpack": {
                seen.runtime: list(seen.outside_xnnpack)
                for seen in examined.observations
                if RUNTIMES[seen.runtime].delegates_int8
            },
        },
        lung_field_statistics=lung_field_statistics(source.chain, runtime),
        features=measure(template, features, source.whole_pixels, examined.outputs[runtime]["features"]),
    )
