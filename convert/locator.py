"""From a trained locator to the files that `train fit` and bundles use: int8, its float twin, and figures.

A locator that fails a gate is not written; files that passed earlier stay.
"""

import logging
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from convert.formats.export import export_float32, export_ptq
from convert.gates.delegation import check_delegation, observe
from convert.gates.layers import layer_errors
from convert.gates.operators import check_runtime, read_facts
from convert.inference.isolated import locate_isolated
from convert.options import RUNTIMES_OF_TARGET, TARGETS
from convert.packaging.metadata import without_names
from edge_app.errors import DataError, GateError
from edge_app.imaging.lung_field import STEPS, LungField, lung_coverage, lung_field
from edge_app.model.runtimes.registry import installed_runtimes
from edge_app.system.files import sha256_of
from edge_app.system.result_folder import claim
from train.data.locator_files import LocatorFiles
from train.data.lung_masks import load_lung_masks
from train.data.lungs.draws import draw_batch
from train.data.lungs.geometry import LocatorRanges
from train.data.sources import find_data
from train.evaluation.lung_fields import film_views, measure
from train.networks.locator import locator_logits
from train.training.locator import read_locator_run

LOG = logging.getLogger(__name__)
MASKS_ATTRIBUTION = "V7 Labs, COVID-19 X-ray dataset (2020)"  # of the masks that the kit's own locator learned from
MASKS_LICENCE = "CC BY 4.0"
REPRESENTATIVE = 256  # drawn pictures, on which the int8 ranges are measured
MOST_MOVED = 0.005  # share of films whose box may move by more than one step between float and int8


@dataclass(frozen=True)
class LocatorConversion:
    """Options of `convert --locator`."""

    model: Path  # the model.keras that train locator wrote
    out: Path
    masks: Path
    data: str | None = None
    masks_attribution: str = MASKS_ATTRIBUTION
    masks_licence: str = MASKS_LICENCE
    overwrite: bool = False  # replace what `out` holds


def convert_locator(options: LocatorConversion) -> dict[str, Any]:
    """Convert, check and measure a locator.

    Returns:
        The figures that are written to `locator.json`.
    Raises:
        DataError: the run, the films or the masks are missing or do not belong together.
        GateError: the int8 file is not what its float model is.
    """
    claim(options.out, options.overwrite)
    model, trained = read_locator_run(options.model)
    films = load_lung_masks(find_data(options.data), options.masks)
    if films.manifest.sha256 != trained["manifest_sha256"]:
        raise DataError(
            f"{options.model} learned from other films: give convert the --data and --masks of its training"
        )
    side_px = int(model.input_shape[1])
    drawn = draw_batch(films.training, LocatorRanges(), side_px, REPRESENTATIVE, (0,)).pixels
    int8, float32 = (without_names(made) for made in (export_ptq(model, drawn), export_float32(model)))
    facts = read_facts(int8)
    check_runtime(facts, TARGETS[0], full_integer=True)
    runtimes = [name for name in RUNTIMES_OF_TARGET[TARGETS[0]] if name in installed_runtimes()]
    observations = [observe(int8, None, side_px, runtime) for runtime in runtimes]
    for observation in observations:
        check_delegation(observation, ())
    views = film_views(films.all_films, side_px)
    found = {"float": _fields(locator_logits(model, views))}
    found |= {runtime: _fields(locate_isolated(int8, views, runtime)) for runtime in runtimes}
    agreement = {f"{one} and {other}": _agreement(found[one], found[other]) for one, other in combinations(found, 2)}
    _check_agreement(agreement)
    LOG.info("measuring in %s", ", ".join(runtimes))
    figures = {
        "sha256": {"int8": sha256_of(int8), "float32": sha256_of(float32)},
        "input_size_px": side_px,
        "parameters": model.count_params(),
        "data_attribution": trained["data_attribution"],
        "masks_attribution": options.masks_attribution,
        "masks_licence": options.masks_licence,
        "card": _for_card(trained),
        "training": {name: value for name, value in trained.items() if name != "float"},
        "float": trained["float"],
        "int8": {runtime: measure(partial(_logits, int8, runtime), films, views) for runtime in runtimes},
        "agreement": agreement,
        "runtimes": [asdict(observation) for observation in observations],
        "operators": sorted({f"{name} v{version}" for name, version in facts.operators}),
        "layers": [asdict(layer) for layer in layer_errors(float32, int8, views, runtimes[0])],
    }
    LocatorFiles(int8, float32, figures).write(options.out)
    return figures


def _fields(logits: np.ndarray) -> list[LungField | None]:
    """Boxes in steps of `lung_field`, of which a film's side has STEPS."""
    return [lung_field(lung_coverage(one), STEPS, STEPS) for one in logits]


def _logits(int8: bytes, runtime: str, views: np.ndarray) -> np.ndarray:
    return locate_isolated(int8, views, runtime)


def _agreement(one: list[LungField | None], other: list[LungField | None]) -> dict[str, float]:
    """How often two runtimes, or float and int8, give the same box; never, where there is none to compare."""
    pairs = list(zip(one, other, strict=True))
    moves = [
        max(abs(a - b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))
        for first, second in pairs
        if first and second
    ]
    return {
        "films": len(pairs),
        "found_by_one_only": sum((first is None) != (second is None) for first, second in pairs),
        "same_box": sum(move == 0 for move in moves) / max(len(moves), 1),
        "within_one_step": sum(move <= 1 for move in moves) / max(len(moves), 1),
        "largest_move_steps": max(moves, default=0),
    }


def _check_agreement(agreement: dict[str, dict[str, float]]) -> None:
    for pair, seen in agreement.items():
        if seen["found_by_one_only"] or 1 - seen["within_one_step"] > MOST_MOVED:
            raise GateError(
                f"{pair} disagree: only one finds a field on {seen['found_by_one_only']} films, expected 0, and "
                f"{1 - seen['within_one_step']:.2%} of the boxes move by more than one step, {MOST_MOVED:.2%} allowed: "
                "train the locator longer"
            )


def _for_card(trained: dict[str, Any]) -> dict[str, float]:
    """The few figures that a model's card repeats, measured on held-out masks."""
    masks = trained["float"]["masks"]
    names = ("films", "dice_grid", "iou_median", "iou_5th_percentile")
    return {name: round(float(masks[name]), 4) for name in names}
