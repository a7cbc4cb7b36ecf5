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

from convert.conversion import target_runtimes
from convert.formats.export import export_float32, export_ptq
from convert.gates.delegation import check_delegation, observe
from convert.gates.layers import layer_errors
from convert.gates.operators import check_runtime, read_facts
from convert.inference.isolated import locate_isolated
from convert.options import TARGETS
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
REPRESENTATIVE = 256  # drawn pictures, on which the int8 ranges are measured
LEAST_FOUND, LEAST_IOU = 0.9, 0.6  # share of all films with a field, and median overlap with held-out masks
MOST_MOVED = 0.005  # share of films whose box may move by more than one step between float and int8


@dataclass(frozen=True)
class LocatorConversion:
    """Options of `convert --locator`."""

    model: Path  # the model.keras that train locator wrote
    out: Path
    masks: Path
    data: str | None = None
    masks_attribution: str = "not stated"
    masks_licence: str = "not stated"
    outside_xnnpack: tuple[str, ...] = ()  # names of operators that need not be delegated
    overwrite: bool = False  # replace what `out` holds


def convert_locator(options: LocatorConversion) -> dict[str, Any]:
    """Convert, check and measure a locator.

    Returns:
        The figures that are written to `locator.json`.
    Raises:
        DataError: the run, the films or the masks are missing or do not belong together.
        GateError: the int8 file is not what its float model is, or finds no lungs worth cropping to.
        RuntimeUnavailable: no runtime is installed in which the file could be checked.
    """
    claim(options.out, options.overwrite)
    runtimes = target_runtimes(TARGETS[0], installed_runtimes())
    model, trained = read_locator_run(options.model)
    data = find_data(options.data)
    films = load_lung_masks(data, options.masks)
    if (films.manifest.sha256, films.masks_sha256) != (trained["manifest_sha256"], trained["masks_sha256"]):
        raise DataError(
            f"{options.model} learned from other films or masks: give convert the --data and --masks of its training"
        )
    side_px = int(model.input_shape[1])
    drawn = draw_batch(films.training, LocatorRanges(), side_px, REPRESENTATIVE, (0,)).pixels
    int8, float32 = (without_names(made) for made in (export_ptq(model, drawn), export_float32(model)))
    facts = read_facts(int8)
    check_runtime(facts, TARGETS[0], full_integer=True)
    observations = [observe(int8, None, side_px, runtime) for runtime in runtimes]
    for observation in observations:
        check_delegation(observation, options.outside_xnnpack)
    views = film_views(films.all_films, side_px)
    found = {"float": _fields(locator_logits(model, views))}
    found |= {runtime: _fields(locate_isolated(int8, views, runtime)) for runtime in runtimes}
    agreement = {f"{one} and {other}": _agreement(found[one], found[other]) for one, other in combinations(found, 2)}
    _check_agreement(agreement)
    LOG.info("measuring in %s", ", ".join(runtimes))
    measured = {
        runtime: measure(partial(locate_isolated, int8, package=runtime), films, views, data.negative)
        for runtime in runtimes
    }
    _check_use(measured)
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
        "int8": measured,
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


def _agreement(one: list[LungField | None], other: list[LungField | None]) -> dict[str, float]:
    """How often two runtimes, or float and int8, give the same box; always, where there is none to compare."""
    pairs = list(zip(one, other, strict=True))
    moves = [
        max(abs(a - b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))
        for first, second in pairs
        if first and second
    ]
    return {
        "films": len(pairs),
        "found_by_one_only": sum((first is None) != (second is None) for first, second in pairs),
        "same_box": sum(move == 0 for move in moves) / len(moves) if moves else 1.0,
        "within_one_step": sum(move <= 1 for move in moves) / len(moves) if moves else 1.0,
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


def _check_use(measured: dict[str, dict[str, Any]]) -> None:
    """Refuse a locator that agrees with itself and finds no lungs."""
    for runtime, figures in measured.items():
        found, iou = figures["all_films"]["share_found"], figures["masks"]["iou_median"]
        if found < LEAST_FOUND or iou < LEAST_IOU:
            raise GateError(
                f"{runtime}: the locator finds lungs on {found:.1%} of the films, expected at least {LEAST_FOUND:.0%}, "
                f"and its boxes overlap those of the held-out masks by {iou:.2f} in the median, expected at least "
                f"{LEAST_IOU}: train the locator longer"
            )


def _for_card(trained: dict[str, Any]) -> dict[str, float]:
    """The few figures that a model's card repeats, measured on held-out masks."""
    masks = trained["float"]["masks"]
    names = ("films", "dice_grid", "iou_median", "iou_5th_percentile")
    return {name: round(float(masks[name]), 4) for name in names}
