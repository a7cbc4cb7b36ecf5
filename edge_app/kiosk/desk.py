"""The desk: where a film is handed in. Model, shelf and record store behind one lock; no web here."""

import secrets
import threading
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from edge_app.bundle import golden_difference
from edge_app.errors import BundleError, FilmError
from edge_app.kiosk.shelf import Shelf, Slip, screen_film, screen_heat
from edge_app.predictor import Predictor, Reading

ID_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, 1, I and O: read aloud, written by hand
ID_LENGTH = 10  # 50 bits: no two alike in a clinic's life


def new_record_id() -> str:
    """A pseudonymous id: random, says nothing of the patient, the file or the order."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Desk:
    """Reads films and remembers what they gave."""

    def __init__(self, predictor: Predictor, shelf: Shelf | None = None) -> None:
        self.predictor = predictor
        self.shelf = shelf or Shelf()
        self._model_lock = threading.Lock()  # an interpreter is not safe for two threads

    def read(self, content: bytes) -> Slip:
        """Score one film and put its slip on the shelf. A film without a score gets a slip with a reason.

        Args:
            content: the bytes of the file.
        """
        slip_id, created_at = new_record_id(), now()
        try:
            with self._model_lock:
                reading = self.predictor.read(content)
        except FilmError as error:
            reason = {"code": error.code, "sentence": error.sentence}
            slip = Slip(slip_id, created_at, None, reason, status=error.status)
        else:
            slip = self._answered(slip_id, created_at, reading)
        self.shelf.put(slip)
        return slip

    def check_model(self) -> dict[str, Any]:
        """Replay the golden films and say which model answered.

        Raises:
            BundleError: the model does not answer them as it did when it was made.
        """
        bundle = self.predictor.bundle
        with self._model_lock:
            off = golden_difference(bundle, self.predictor.interpreter)
        if off > bundle.golden.steps_allowed[self.predictor.runtime.family]:
            raise BundleError(f"{bundle.card.name} answers its golden films wrongly: off by {off} steps")
        return self.predictor.identity() | {"runtime": str(self.predictor.runtime)}

    def _answered(self, slip_id: str, created_at: str, reading: Reading) -> Slip:
        return Slip(
            id=slip_id,
            created_at=created_at,
            answer=asdict(reading.decision),
            reason=None,
            film_jpeg=screen_film(reading),
            heat_png=screen_heat(reading.evidence),
            aspect=reading.film.pixels.shape[1] / reading.film.pixels.shape[0],
            ms=reading.ms,
        )
