"""The bundle's contents: card and golden films, from a run and its figures."""

import os
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime, timezone

import numpy as np

from convert.inference.chain import fields_of
from convert.inference.isolated import locate_isolated, run_isolated
from edge_app.errors import BundleError
from edge_app.imaging.lung_field import LungField, crop, film_for_locator
from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import LUNG_FIELD, WHOLE_FILM, to_model_pixels
from edge_app.model.card import FINDING, ModelCard
from edge_app.model.golden import Golden, check_outputs
from edge_app.model.runtimes.registry import RUNTIMES
from edge_app.version import __version__
from train.data.locator_files import LocatorFiles
from train.evaluation.run import Run, finding_of
from train.evaluation.run_record import git_commit, package_version

# Without noise, which does not compress and would make the bundle large.
GOLDEN_STYLE = PhantomStyle(width_px=96, height_px=96, noise=0.0)
MAX_STEPS_ALLOWED = 8  # with more, the golden films would not reveal a broken runtime
INTENDED_USE = (
    "Draft reading of frontal chest films of children aged 1 to 5 with suspected pneumonia, "
    "to be confirmed by a trained reader. Not for adults. Not for diagnosis on its own."
)
PHANTOM_USE = "Demonstration and tests only: trained on drawings. Never to be used on a person."
NOT_CHECKED = (
    "films of another hospital or country",
    "children under 1 or over 5 and adults (related models were at chance on adults)",
    "lateral views and photographed films",
    "tuberculosis and every finding other than pneumonia",
    "whether bacterial or viral can be told from a film well enough to treat by",
)
OTHER_NOT_CHECKED = (
    "films of another hospital, machine or country than the training films",
    "whether the classes can be told from a film well enough to treat by",
)
ALL_AGES_YEARS = (0, 150)
TOOLS = (
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "numpy",
    "pillow",
    *RUNTIMES,
)


def model_card(run: Run, quantization: str, locator: LocatorFiles | None) -> ModelCard:
    """The card of a converted file, before its figures are known."""
    preprocessing_id, preprocessing_version = LUNG_FIELD if locator else WHOLE_FILM
    finding = finding_of(run.labels, run.negative)
    return ModelCard(
        name=run.arch if not run.phantom else f"{run.arch}-phantom",
        version=__version__,
        input_size_px=run.input_size_px,
        preprocessing_id=preprocessing_id,
        preprocessing_version=preprocessing_version,
        locator=locator.to_card() if locator else {},
        labels=run.labels,
        temperature=run.calibration.temperature,
        operating_points=run.calibration.operating_points,
        default_operating_point=run.calibration.default_operating_point,
        uncertainty_band=run.calibration.uncertainty_band,
        phantom=run.phantom,
        quantization=quantization,
        intended_use=PHANTOM_USE if run.phantom else _intended_use(run, finding),
        not_checked=("everything: it was trained on drawings",) if run.phantom else _not_checked(finding),
        data_licence=run.data_licence,
        data_attribution=run.data_attribution,
        created=_created(),
        git_commit=git_commit(),
        minimum_runtime="",  # known once the file was read
        negative=run.negative,
        finding=finding,
        training={
            "manifest_sha256": run.manifest_sha256,
            **({"run_sha256": run.sha256} if run.sha256 else {}),
            "seed": run.seed,
            "epochs": run.epochs,
            **({} if finding == FINDING else {"age_range_years": ALL_AGES_YEARS}),
        },
        tools={name: version for name in TOOLS if (version := package_version(name))},
    )


def _intended_use(run: Run, finding: str) -> str:
    if finding == FINDING:
        return INTENDED_USE
    return (
        f"Draft sorting of films like its training films into {', '.join(run.labels)}, to be confirmed by a trained "
        "reader. Not for diagnosis on its own."
    )


def _not_checked(finding: str) -> tuple[str, ...]:
    return NOT_CHECKED if finding == FINDING else OTHER_NOT_CHECKED


def golden_films() -> tuple[np.ndarray, ...]:
    """One phantom of each class, uint8 (height, width)."""
    return tuple(draw_phantom(label, seed, GOLDEN_STYLE) for seed, label in enumerate(LABELS))


def make_golden(
    model: bytes,
    card: ModelCard,
    runtimes: Sequence[str],
    locator: LocatorFiles | None = None,
    most_steps: int = MAX_STEPS_ALLOWED,
) -> Golden:
    """The golden films with the file's outputs in each runtime, each in a child process.

    For an int8 file the reference kernels stand for the built-in ones, because they give the same bits as
    a Raspberry Pi. Float outputs, and weights unpacked on the fly, have different bits on each machine.

    Args:
        locator: of a model that sees lung fields.
        most_steps: how far this machine's built-in kernels may be off the reference kernels.
    Raises:
        BundleError: they are off by more, or no lungs are found on a golden film.
    """
    films = golden_films()
    expected, allowed, fields = {}, {}, {}
    for runtime in runtimes:
        kind = RUNTIMES[runtime]
        family = kind.kernels
        shown = films
        if locator:
            found = _golden_fields(locator, films, runtime)
            shown = tuple(crop(film, field) for film, field in zip(films, found, strict=True))
            fields[family] = np.array([astuple(field) for field in found])
        pixels = np.stack([to_model_pixels(film, card.input_size_px) for film in shown])
        here = _raw(run_isolated(model, len(card.labels), pixels, runtime))
        expected[family] = here
        if kind.reference_is_golden and here["logits"].dtype == np.int8:
            expected[family] = _raw(run_isolated(model, len(card.labels), pixels, runtime, reference=True))
        complaint = f"{runtime} does not agree with its reference kernels"
        off = check_outputs(here, expected[family], most_steps, complaint, "convert on another machine")
        allowed[family] = max(kind.golden_steps_allowed, off)
    return Golden(films, expected, allowed, fields)


def _golden_fields(locator: LocatorFiles, films: tuple[np.ndarray, ...], runtime: str) -> list[LungField]:
    views = np.stack([film_for_locator(film, locator.input_size_px) for film in films])
    logits = locate_isolated(locator.int8, views, runtime)
    height_px, width_px = films[0].shape
    found = [field for field in fields_of(logits, ((width_px, height_px),) * len(films)) if field]
    if len(found) != len(films):
        raise BundleError(
            f"the locator finds no lungs on {len(films) - len(found)} of {len(films)} golden phantoms in {runtime}: "
            "train locator with phantoms among its films"
        )
    return found


def _raw(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs as the file computes them, under the names that a bundle gives them."""
    return {name: outputs[f"raw_{name}"] for name in ("logits", "class_map", "features")}


def _created() -> str:
    """Today, or the day of SOURCE_DATE_EPOCH, so that the same inputs can give the same bytes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)
    return moment.strftime("%Y-%m-%d")
