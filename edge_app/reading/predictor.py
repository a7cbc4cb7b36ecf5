"""From a film to an answer: the one path that the command line and the kiosk share."""

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge_app.errors import BundleError, FilmError, KitError
from edge_app.imaging.decoder.choice import read_film_safely
from edge_app.imaging.formats.base import Film
from edge_app.imaging.lung_field import are_cut_through
from edge_app.model.bundle import Bundle, open_model, read_bundle
from edge_app.model.card import ModelCard
from edge_app.model.installed import first_that_works
from edge_app.model.preparation import Preparation
from edge_app.model.runtimes.interpreter import Outputs
from edge_app.model.runtimes.registry import load_runtime
from edge_app.reading.answer import Answer, Refusal
from edge_app.reading.decision import decide
from edge_app.reading.evidence import evidence_map, evidence_place
from edge_app.reading.film_checks import check_film
from edge_app.reading.pose import check_pose
from edge_app.reading.rejection import pose_refusal, rejection_of
from edge_app.system.home import SITE_THRESHOLD_FILE, data_home

LOG = logging.getLogger(__name__)
LUNGS_CUT_OFF = "lungs_cut_off"
INTERNAL_ERROR = Refusal(
    "error", "internal_error", "The kit failed on this film, which is a fault of the kit: report it with the log."
)


class Predictor:
    """A bundle that passed its checks, in the runtime of this machine."""

    def __init__(self, bundle: Bundle, runtime_package: str | None = None, threads: int = 1) -> None:
        """Load the model.

        Raises:
            BundleError: the model fails its checks on this machine.
            RuntimeUnavailable: no interpreter can be used.
        """
        self.bundle = bundle
        self.identity = bundle.identity
        self.runtime = load_runtime(runtime_package)
        self.opened = open_model(bundle, self.runtime, threads)
        self.rejection = rejection_of(bundle.card)
        given, wanted = self.opened.classifier.feature_count, self.rejection and len(self.rejection.space.mean)
        if wanted not in (None, given):
            raise BundleError(f"the card describes {wanted} features, the model gives {given}: run convert again")

    @property
    def card(self) -> ModelCard:
        """The model's card, with the site's own threshold where the device has one."""
        return self.bundle.card

    def answer(
        self,
        source: Path | bytes,
        operating_point: str | None = None,
        read: Callable[[Path | bytes, int | None], Film] = read_film_safely,
    ) -> Answer:
        """Score one film, or say why it has no score. A bad film raises no exception.

        Args:
            source: a path, or the bytes of a file.
            operating_point: a name from the card; its default when left out.
            read: decodes the film, as `edge_app.imaging.film.read_film`.
        """
        card, film, clock = self.card, None, _StepClock()
        preparation = self.preparation
        try:
            film = read(source, preparation.min_side_px)
            warnings = check_film(film, card)
            clock.ends("read")
            whole = preparation.whole(film.pixels)
            coverage = preparation.coverage(whole)
            height_px, width_px = film.pixels.shape
            # Before the pose: half a chest may look as if it lay otherwise.
            if coverage is not None and are_cut_through(coverage, width_px, height_px):
                raise pose_refusal(LUNGS_CUT_OFF)
            # Before "no lungs": a film that is upside down is refused as that.
            warnings += self.rejection.check_pose(whole) if self.rejection else check_pose(film.pixels)
            located = preparation.locate(coverage, film.pixels)
            if located and located.unsure:
                raise pose_refusal("not_a_chest_film")
            clock.ends("locate")
            pixels = preparation.pixels(film.pixels, whole, located)
            clock.ends("preprocess")
            outputs = self.infer(pixels)
            clock.ends("infer")
            warnings += self.rejection.check_features(whole, outputs.features) if self.rejection else ()
        except FilmError as error:
            return Answer(Refusal.of(error), self.identity, str(self.runtime), film=film)
        except KitError:
            raise
        except Exception as error:  # one film must not end a batch, a watched folder or the kiosk
            LOG.error("internal error while a film was read: %r", error, exc_info=LOG.isEnabledFor(logging.DEBUG))
            return Answer(INTERNAL_ERROR, self.identity, str(self.runtime))
        if located and located.cut_off:
            warnings += (LUNGS_CUT_OFF,)
        decision = decide(outputs.logits, card, operating_point)
        evidence = None
        if card.class_map and decision.decision != card.negative:  # on a normal film nothing is shown
            evidence = evidence_map(outputs.class_map, card.negative_index, card.temperature)
        field = located.field.as_fractions(film.pixels.shape[1], film.pixels.shape[0]) if located else None
        place = evidence_place(evidence) if evidence is not None else None
        shown = (evidence, field, place, card.class_map)
        return Answer(decision, self.identity, str(self.runtime), warnings, clock.ms(), film, *shown)

    @property
    def preparation(self) -> Preparation:
        """How the model's films are prepared."""
        return self.opened.preparation

    def infer(self, pixels: np.ndarray) -> Outputs:
        """Run the classifier on uint8 pixels (input_size_px, input_size_px) from `preparation`."""
        return self.opened.classifier.run(pixels)


class _StepClock:
    """Times the steps of one answer."""

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def ends(self, step: str) -> None:
        """Note that a step has ended."""
        now = time.perf_counter()
        self._seconds[step], self._last = now - self._last, now

    def ms(self) -> dict[str, float]:
        """Milliseconds of each step, and of all since the start."""
        seconds = self._seconds | {"total": time.perf_counter() - self._started}
        return {step: round(1e3 * duration, 3) for step, duration in seconds.items()}


def load_predictor(model: Path | None = None, data: Path | None = None) -> Predictor:
    """A predictor for the model that this device uses (see `first_that_works`), at the model's own threshold.

    Args:
        model: a bundle; without it, the installed or shipped one. A named bundle has no substitute.
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
    home = data_home(data)
    if not (home / SITE_THRESHOLD_FILE).exists():
        return load_predictor(model, data)
    from edge_app.reading.site_threshold import with_site_threshold  # imported here: most devices have none

    def opened(path: Path) -> Predictor:
        bundle = read_bundle(path)
        return Predictor(dataclasses.replace(bundle, card=with_site_threshold(bundle.card, bundle.sha256, home)))

    return first_that_works(opened, model, home)[0]
