"""The bundle's contents: card and golden films, from a run and its figures."""

import os
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime, timezone

import numpy as np

from convert.inference.chain import fields_of
from convert.inference.isolated import locate_isolated, run_isolated
from edge_app.errors import BundleError
from edge_app.imaging.lung_field import LungField, crop
from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom
from edge_app.imaging.preprocess import LUNG_FIELD, WHOLE_FILM, to_model_pixels
from edge_app.model.card import FINDING, ModelCard
from edge_app.model.golden import Golden, check_outputs
from edge_app.model.runtimes.registry import RUNTIMES
from edge_app.version import __version__
from train.data.locator_files import LocatorFiles
from train.data.purpose import OLDEST_YEARS
from train.evaluation.run import Run, finding_of
from train.evaluation.run_record import git_commit, package_version

# Without noise and in 64 gray levels: what does not compress would make the bundle large.
GOLDEN_STYLE = PhantomStyle(width_px=96, height_px=96, noise=0.0)
GOLDEN_LEVELS = 0b11111100
MAX_STEPS_ALLOWED = 8  # with more, the golden films would not reveal a broken runtime
PHANTOM_USE = "Demonstration and tests only: trained on drawings. Never to be used on a person."
PNEUMONIA_NOT_CHECKED = ("lateral views and photographed films", "tuberculosis and every finding other than pneumonia")
NOT_CHECKED_OF_OWN_NETWORK = (
    "whether the network was trained on the films that it was measured on",
    "whether a film is unlike the training films, which the network gives no features for",
)
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
        intended_use=PHANTOM_USE if run.phantom else run.purpose.intended_use,
        not_checked=("everything: it was trained on drawings",) if run.phantom else _not_checked(run, finding),
        data_licence=run.data_licence,
        data_attribution=run.data_attribution,
        created=_created(),
        git_commit=git_commit(),
        minimum_runtime="",  # known once the file was read
        negative=run.negative,
        finding=finding,
        class_map=not run.own_network,
        training={
            "manifest_sha256": run.manifest_sha256,
            **({"run_sha256": run.sha256} if run.sha256 else {}),
            **({"own_network": run.own_network} if run.own_network else {"seed": run.seed, "epochs": run.epochs}),
            **({"age_range_years": run.purpose.ages_years} if run.purpose.ages_years else {}),
            **({"population": run.purpose.population} if run.purpose.population else {}),
        },
        tools={name: version for name in TOOLS if (version := package_version(name))},
    )


def _not_checked(run: Run, finding: str) -> tuple[str, ...]:
    """What whoever reads the card must not take for granted."""
    youngest, oldest = run.purpose.ages_years or (0, OLDEST_YEARS)
    return (
        "films of another hospital, machine or country than the training films",
        *([f"patients under {youngest} or over {oldest} years"] if (youngest, oldest) != (0, OLDEST_YEARS) else []),
        *(PNEUMONIA_NOT_CHECKED if finding == FINDING else ()),
        "whether the classes can be told from a film well enough to treat by",
        *(NOT_CHECKED_OF_OWN_NETWORK if run.own_network else ()),
    )


def golden_films() -> tuple[np.ndarray, ...]:
    """One phantom of each class, uint8 (height, width)."""
    return tuple(draw_phantom(label, seed, GOLDEN_STYLE) & GOLDEN_LEVELS for seed, label in enumerate(LABELS))


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
        advice = "use --target litert, or convert on another machine"
        off = check_outputs(here, expected[family], most_steps, complaint, advice)
        allowed[family] = max(kind.golden_steps_allowed, off)
    return Golden(films, expected, allowed, fields)


def _golden_fields(locator: LocatorFiles, films: tuple[np.ndarray, ...], runtime: str) -> list[LungField]:
    views = np.stack([to_model_pixels(film, locator.input_size_px) for film in films])
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
    return {name.removeprefix("raw_"): output for name, output in outputs.items() if name.startswith("raw_")}


def _created() -> str:
    """Today, or the day of SOURCE_DATE_EPOCH, so that the same inputs can give the same bytes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)
    return moment.strftime("%Y-%m-%d")
