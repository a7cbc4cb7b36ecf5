"""From a film to a reading: the one path that the command line and the kiosk share."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import FilmError
from edge_app.imaging.film import read_film
from edge_app.imaging.formats.base import Film
from edge_app.imaging.heatmap import evidence_map
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.bundle import Bundle, open_interpreter, read_bundle
from edge_app.model.card import ModelCard
from edge_app.model.installed import first_that_works
from edge_app.model.runtimes.interpreter import Outputs
from edge_app.model.runtimes.registry import load_runtime
from edge_app.reading.age import check_age
from edge_app.reading.decision import Decision, decide
from edge_app.reading.quality import check_exposure, check_pose
from edge_app.reading.rejection import rejection_of
from edge_app.system.home import data_home


@dataclass(frozen=True)
class Reading:
    """A draft reading.

    `evidence` is float64 (rows, columns), 0..1; `ms` splits the time by step; `warnings` are codes of
    what makes the answer doubtful (`edge_app.reading.quality`).
    """

    film: Film
    decision: Decision
    evidence: np.ndarray
    ms: dict[str, float]
    warnings: tuple[str, ...] = ()


class Predictor:
    """A bundle that passed its checks, in the runtime of this machine."""

    def __init__(self, bundle: Bundle, runtime_package: str | None = None, threads: int = 1) -> None:
        """Load the model.

        Raises:
            BundleError: the model fails its checks on this machine.
            RuntimeUnavailable: no interpreter can be used.
        """
        self.bundle = bundle
        self.card = bundle.card
        self.runtime = load_runtime(runtime_package)
        self.interpreter = open_interpreter(bundle, self.runtime, threads)
        self.rejection = rejection_of(bundle.card)

    def read(self, source: Path | bytes, operating_point: str | None = None) -> Reading:
        """Score one film, from its file.

        Raises:
            FilmError: the film cannot be read or is refused; there is then no score.
        """
        started = time.perf_counter()
        film = read_film(source, min_side_px=2 * self.card.input_size_px)
        check_age(film.age_years, self.card)
        doubts = check_exposure(film.pixels)
        read = time.perf_counter()
        pixels = to_model_pixels(film.pixels, self.card.input_size_px)
        preprocessed = time.perf_counter()
        outputs = self.infer(pixels)
        inferred = time.perf_counter()
        doubts += self.rejection.check(pixels, outputs.features) if self.rejection else check_pose(film.pixels)
        decision = decide(outputs.logits, self.card, operating_point)
        evidence = evidence_map(outputs.class_map, self.card.negative_index, self.card.temperature)
        ms = {
            "read": read - started,
            "preprocess": preprocessed - read,
            "infer": inferred - preprocessed,
            "total": time.perf_counter() - started,
        }
        return Reading(film, decision, evidence, {step: round(1e3 * s, 3) for step, s in ms.items()}, doubts)

    def infer(self, pixels: np.ndarray) -> Outputs:
        """Run the model on uint8 pixels (input_size_px, input_size_px)."""
        return self.interpreter.run(pixels)

    def identity(self) -> dict[str, str]:
        """What a record must say of the model."""
        return {"name": self.card.name, "version": self.card.version, "sha256": self.bundle.sha256}

    def record(self, source: Path, operating_point: str | None = None) -> tuple[dict[str, Any], Reading | None]:
        """Score one file and describe the outcome for machines; a film without a score has none.

        Returns:
            The object that `predict --json` prints, and the reading when there is one.
        """
        common = {"file": str(source), "model": self.identity(), "runtime": str(self.runtime)}
        try:
            reading = self.read(source, operating_point)
        except FilmError as error:
            reason = {"code": error.code, "sentence": error.sentence}
            return common | {"status": error.status, "reason": reason}, None
        return common | {"status": "ok"} | decided(reading.decision, self.card) | {
            "warnings": list(reading.warnings),
            "ms": reading.ms,
        }, reading


def decided(decision: Decision, card: ModelCard) -> dict[str, Any]:
    """A decision for machines; a model that is not about pneumonia speaks of no pneumonia."""
    fields = asdict(decision)
    if card.is_about_pneumonia:
        return fields
    named = {"p_finding" if name == "p_pneumonia" else name: value for name, value in fields.items()}
    return named | {"finding": card.finding}


def load_predictor(model: Path | None = None, data: Path | None = None) -> Predictor:
    """A predictor for the model that this device uses (see `model_store.first_that_works`).

    Args:
        model: a bundle that was named; nothing takes its place when it fails.
        data: the data folder, when it was named.
    Raises:
        BundleError, RuntimeUnavailable: as `read_bundle` and `Predictor`.
    """
    return first_that_works(lambda path: Predictor(read_bundle(path)), model, data_home(data))[0]


def device_predictor(model: Path | None = None, data: Path | None = None) -> Predictor:
    """As `load_predictor`, with the site's own threshold (`edge_app calibrate`) as default where there is one.

    Raises:
        BundleError, RuntimeUnavailable: as `load_predictor`.
        DataError: the site's threshold is damaged.
    """
    from edge_app.reading.site_threshold import (
        with_site_point,  # here, for a cold start that needs no threshold of its own
    )

    predictor = load_predictor(model, data)
    predictor.card = with_site_point(predictor.card, predictor.bundle.sha256, data_home(data))
    return predictor
