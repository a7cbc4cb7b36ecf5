"""The desk: where films are handed in and drafts are signed. Model, shelf and record; no web here."""

import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edge_app.errors import BundleError, FilmError, FilmRefused, StoreError
from edge_app.imaging.film import film_content, read_film
from edge_app.model.bundle import check_golden
from edge_app.model.card import ModelCard
from edge_app.reading.predictor import Predictor, Reading
from edge_app.records.audit import now
from edge_app.records.database import Draft, Record, Review, Store, new_record_id, open_store
from edge_app.records.kept_films import KeptFilms
from edge_app.records.readers import check_reader
from edge_app.system.files import sha256_of
from edge_app.workflow.recent_cases import SCREEN_SIDE_PX, Shelf, Slip, screen_film, screen_heat

READ_BEFORE = "read_before"
MAX_WAITING_SHOWN = 100


def check_speaks_of_pneumonia(card: ModelCard) -> None:
    """Refuse a model of other classes: the kiosk's words, findings, record and export are about pneumonia.

    Raises:
        BundleError: it is one.
    """
    if not card.is_about_pneumonia:
        raise BundleError(
            f"model {card.name} decides between {card.finding} and {card.negative}, and all that the kiosk says and "
            "records is about pneumonia: score with python -m edge_app predict --model"
        )


class Desk:
    """Reads films, keeps drafts, takes reviews. Without a disk to write to it still reads films."""

    def __init__(
        self,
        predictor: Predictor,
        home: Path,
        ask_first: bool = False,
        shelf: Shelf | None = None,
        films: KeptFilms | None = None,
    ) -> None:
        """Open the record.

        Args:
            home: the folder of the record.
            ask_first: a reader names an own impression before the machine's answer is shown.
            films: where films are kept; without it they are in memory only.
        Raises:
            BundleError: the model is about something else than pneumonia.
        """
        check_speaks_of_pneumonia(predictor.card)
        self.predictor = predictor
        self.ask_first = ask_first
        self.shelf = shelf or Shelf()
        self.films = films
        self.not_saved = ""  # why the last draft could not be recorded; empty when it was
        self.watching = False  # a folder or a DICOM port: drafts come in by themselves
        self._home = home
        self._store: Store | None = None
        self._model_lock = threading.Lock()  # an interpreter is not safe for two threads
        self._store_lock = threading.Lock()
        try:
            self.store()
        except StoreError as error:
            self.not_saved = str(error)

    def store(self) -> Store:
        """The record; opened anew when that failed before, for a disk may come back.

        Raises:
            StoreError: it cannot be opened.
        """
        with self._store_lock:
            if self._store is None:
                self._store = open_store(self._home)
            return self._store

    def read(self, content: bytes, source: str = "page") -> Slip:
        """Score one film, record the draft and put its slip on the shelf.

        A film without a score gets a slip with a reason and no record. A draft that cannot be
        recorded gets a slip that says so.

        Args:
            content: the bytes of the file.
            source: "page", "watch" or "dicom".
        """
        slip_id = new_record_id()
        try:
            with self._model_lock:
                reading = self.predictor.read(content)
        except FilmError as error:
            slip = _refused(slip_id, error, content)
        else:
            slip = self._recorded(self._answered(slip_id, reading), content, source)
        self.shelf.put(slip)
        return slip

    def read_file(self, path: Path) -> Slip | None:
        """Read a film from a watched folder; None when this very film was recorded before.

        A file that cannot be opened gets a slip with a reason, as any other.
        """
        try:
            content = film_content(path)
        except FilmError as error:
            return _refused(new_record_id(), error, b"")
        try:
            if self.store().find_film(sha256_of(content)):
                return None
        except StoreError as error:
            self.not_saved = str(error)
        return self.read(content, "watch")

    def describe(self, slip: Slip) -> dict[str, Any]:
        """A slip for machines: the fields of `predict --json`, without a file name."""
        common = {"id": slip.id, "saved": slip.saved, "warnings": list(slip.warnings)}
        common |= {"model": self.predictor.identity(), "runtime": str(self.predictor.runtime)}
        if slip.answer is None:
            return common | {"status": slip.status, "reason": slip.reason}
        return common | {"status": "ok"} | slip.answer | {"ms": slip.ms}

    def look(self, slip_id: str) -> Slip | None:
        """A film of this run with all there is, else its record without the film, else None."""
        slip = self.shelf.get(slip_id)
        record = self._record(slip_id)
        if record is None:
            return slip
        return replace(slip or self._from_record(record), review=record.review)

    def waiting(self) -> list[Slip]:
        """Drafts that nobody has signed, the most urgent first; none when the record cannot be read."""
        try:
            drafts = self.store().records("draft", MAX_WAITING_SHOWN)
        except StoreError:
            return []
        return [self.shelf.get(record.id) or _without_film(record) for record in drafts]

    def _from_record(self, record: Record) -> Slip:
        """A film that fell off the shelf: without its heatmap, and with the film only where it was kept."""
        return replace(_without_film(record), film_jpeg=self.films.film(record.id) if self.films else b"")

    def sign(self, review: Review, pin: str) -> None:
        """Record a review once initials and PIN are right.

        Raises:
            ReaderRefused: they are not.
            StoreError: there is no such record, or it could not be written.
        """
        store = self.store()
        reader = check_reader(store, review.reader, pin)
        store.add_review(replace(review, reader=reader))

    def withdraw(self, record_id: str, reader: str, pin: str) -> None:
        """Take the last review back; raises as `sign`."""
        store = self.store()
        store.withdraw(record_id, check_reader(store, reader, pin))

    def check_model(self) -> dict[str, Any]:
        """Replay the golden films and say which model answered.

        Raises:
            BundleError: the model does not answer them as it did when it was made.
        """
        with self._model_lock:
            check_golden(self.predictor.bundle, self.predictor.interpreter)
        return self.predictor.identity() | {"runtime": str(self.predictor.runtime)}

    def _answered(self, slip_id: str, reading: Reading) -> Slip:
        return Slip(
            id=slip_id,
            created_at=now(),
            answer=asdict(reading.decision),
            reason=None,
            warnings=reading.warnings,
            age_years=reading.film.age_years,
            film_jpeg=screen_film(reading.film.pixels),
            heat_png=screen_heat(reading.evidence),
            aspect=reading.film.pixels.shape[1] / reading.film.pixels.shape[0],
            ms=reading.ms,
            origin=reading.film.dicom_origin,
        )

    def _recorded(self, slip: Slip, content: bytes, source: str) -> Slip:
        """The slip as it was recorded, or as it is when it could not be."""
        sha256 = sha256_of(content)
        try:
            store = self.store()
            seen = (READ_BEFORE,) if store.find_film(sha256) else ()
            slip = replace(slip, warnings=(*slip.warnings, *seen))
            store.add_draft(self._draft(slip, sha256, source))
        except StoreError as error:
            self.not_saved = str(error)
            return slip
        self.not_saved = self._keep(slip)
        return replace(slip, saved=True)

    def _keep(self, slip: Slip) -> str:
        """Keep the film where the site wants that; why it could not be, or nothing."""
        try:
            if self.films:
                self.films.keep(slip.id, slip.film_jpeg)
        except StoreError as error:
            return str(error)
        return ""

    def _draft(self, slip: Slip, sha256: str, source: str) -> Draft:
        return Draft(
            id=slip.id,
            film_sha256=sha256,
            answer=slip.answer or {},
            model=self.predictor.identity(),
            runtime=str(self.predictor.runtime),
            source=source,
            age_years=slip.age_years,
            warnings=slip.warnings,
        )

    def _record(self, record_id: str) -> Record | None:
        try:
            return self.store().record(record_id)
        except StoreError:
            return None


def _refused(slip_id: str, error: FilmError, content: bytes) -> Slip:
    """Why a film got no score, with the film itself where it could be decoded: one sees how it lies."""
    reason = {"code": error.code, "sentence": error.sentence}
    slip = Slip(slip_id, now(), None, reason, status=error.status)
    if not isinstance(error, FilmRefused):
        return slip
    try:
        film = read_film(content, min_side_px=SCREEN_SIDE_PX).pixels
    except FilmError:  # refused while it was read: in colour, blank
        return slip
    return replace(slip, film_jpeg=screen_film(film), aspect=film.shape[1] / film.shape[0])


def _without_film(record: Record) -> Slip:
    return Slip(
        id=record.id,
        created_at=record.created_at,
        answer=record.answer,
        reason=None,
        warnings=record.warnings,
        age_years=record.age_years,
        saved=True,
        review=record.review,
    )
