"""The reading service: it reads films, records drafts and takes reviews. Independent of the web page."""

import dataclasses
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_app.errors import BundleError, FilmError, KitError, StoreError
from edge_app.imaging.decoder.choice import read_in_worker
from edge_app.imaging.film import film_content
from edge_app.imaging.formats.base import Film
from edge_app.model.bundle import check_golden
from edge_app.model.card import ModelCard
from edge_app.reading.answer import Answer, Refusal, as_json
from edge_app.reading.predictor import Predictor
from edge_app.records.audit import now
from edge_app.records.database import Draft, Record, Review, Store, new_record_id, open_store
from edge_app.records.kept_films import KeptFilms
from edge_app.records.readers import check_signer
from edge_app.system.files import sha256_of
from edge_app.workflow.case import Case, case_of_record, pictures_of
from edge_app.workflow.recent_cases import RecentCases

LOG = logging.getLogger(__name__)
READ_BEFORE = "read_before"
MAX_WAITING_SHOWN = 100


def check_speaks_of_pneumonia(card: ModelCard) -> None:
    """Refuse a model of other classes: the kiosk's texts, findings, record and export are about pneumonia.

    Raises:
        BundleError: the model has other classes.
    """
    if not card.is_about_pneumonia:
        raise BundleError(
            f"model {card.name} decides between {card.finding} and {card.negative}, but the kiosk's words and records "
            "are about pneumonia: score films with python -m edge_app predict --model"
        )


class ReadingService:
    """Reads films, keeps drafts, takes reviews. It still reads films when the disk cannot be written."""

    def __init__(
        self,
        predictor: Predictor,
        home: Path,
        ask_first: bool = False,
        cases: RecentCases | None = None,
        films: KeptFilms | None = None,
        read: Callable[[Path | bytes, int | None], Film] = read_in_worker,
    ) -> None:
        """Open the record.

        Args:
            home: the folder of the record.
            ask_first: readers give their own impression before the model's answer is shown.
            films: where films are kept; without it they are in memory only.
            read: decodes a film.
        Raises:
            BundleError: the model is not about pneumonia.
        """
        check_speaks_of_pneumonia(predictor.card)
        self.predictor = predictor
        self.ask_first = ask_first
        self.cases = cases or RecentCases()
        self.films = films
        self.not_deleted = ""  # why old records stay although the site deletes them; empty when they do not
        self.not_saved = ""  # why the last draft could not be recorded; empty when it was
        self.watching = False  # a folder or a DICOM port: drafts arrive without the page
        self.must_live: list[threading.Thread] = []  # loops that read or delete without a page
        self.troubles: dict[str, str] = {}  # by loop: what it could not do the last time, or nothing
        self._home = home
        self._decode = read
        self._store: Store | None = None
        self._store_lock = threading.Lock()
        self._in_hand: set[str] = set()  # SHA-256 of the watched films that are being read
        self._in_hand_lock = threading.Lock()
        try:
            self.store()
        except StoreError as error:
            self.not_saved = str(error)

    def store(self) -> Store:
        """The record; opened again if that failed before or its file was replaced, because a disk may come back.

        Raises:
            StoreError: it cannot be opened.
        """
        with self._store_lock:
            if self._store and not self._store.is_current():
                LOG.warning("%s was deleted or replaced: what was in it is no longer shown", self._store.path)
                self._store.abandon()
                self._store = None
            if self._store is None:
                self._store = open_store(self._home, may_set_aside=True)
            return self._store

    def read(self, content: bytes, source: str = "page") -> Case:
        """Score one film, record the draft and remember the case.

        A film without a score gives a case with a reason and no record. A draft that cannot be
        recorded gives a case that says so.

        Args:
            content: the bytes of the file.
            source: "page", "watch" or "dicom".
        """
        sha256 = sha256_of(content)
        return self._read(content, source, sha256, read_before=self._was_recorded(sha256))

    def read_file(self, path: Path) -> Case | None:
        """Read a film from a watched folder; None when this very film is already in the record.

        A file that cannot be opened gives a case with a reason, as any other.
        """
        try:
            content = film_content(path)
        except FilmError as error:
            identity, runtime = self.predictor.identity, str(self.predictor.runtime)
            return Case(new_record_id(), now(), Answer(Refusal.of(error), identity, runtime))
        sha256 = sha256_of(content)
        with self._in_hand_lock:  # a copy of a film may be read at the same time
            if sha256 in self._in_hand or self._was_recorded(sha256):
                return None
            self._in_hand.add(sha256)
        try:
            return self._read(content, "watch", sha256, read_before=False)
        finally:
            with self._in_hand_lock:
                self._in_hand.discard(sha256)

    def as_json(self, case: Case) -> dict[str, Any]:
        """A case as JSON: the fields of `predict --json`, with the record's id."""
        return {"id": case.id, "saved": case.saved, "warnings": list(case.answer.warnings)} | as_json(case.answer)

    def find(self, case_id: str) -> Case | None:
        """A case from memory or the record; None when it is in neither. A record that fails is ignored."""
        try:
            return self.recorded(case_id) or self.cases.get(case_id)
        except StoreError:
            return self.cases.get(case_id)

    def recorded(self, case_id: str) -> Case | None:
        """A case that is in the record, with film and heatmap while they are in memory; None when it is not.

        Raises:
            StoreError: the record cannot be read.
        """
        record = self.store().record(case_id)
        if record is None:
            return None
        return replace(self.cases.get(case_id) or self._from_record(record), review=record.review)

    def waiting(self) -> list[Case]:
        """Drafts that nobody has signed, the most urgent first; none when the record cannot be read."""
        try:
            drafts = self.store().records("draft", MAX_WAITING_SHOWN)
        except StoreError:
            return []
        return [self.cases.get(record.id) or case_of_record(record) for record in drafts]

    def sign(self, review: Review, pin: str) -> None:
        """Record a review once initials and PIN are right.

        Raises:
            ReaderRefused: initials or PIN are wrong.
            StoreError: there is no such record, or it could not be written.
        """
        store = self.store()
        reader = check_signer(store, review.reader, pin)
        store.add_review(replace(review, reader=reader))

    def withdraw(self, record_id: str, reader: str, pin: str) -> None:
        """Take the last review back; raises as `sign`."""
        store = self.store()
        store.withdraw(record_id, check_signer(store, reader, pin))

    def check_model(self) -> dict[str, Any]:
        """Replay the golden films and say which model answered.

        Raises:
            BundleError: its outputs for the golden films are wrong.
            KitError: a loop that must live has ended.
        """
        if ended := [thread.name for thread in self.must_live if not thread.is_alive()]:
            raise KitError(f"the thread of {', '.join(ended)} has ended: restart the kiosk")
        check_golden(self.predictor.bundle, self.predictor.opened)
        return dataclasses.asdict(self.predictor.identity) | {"runtime": str(self.predictor.runtime)}

    def _read(self, content: bytes, source: str, sha256: str, read_before: bool) -> Case:
        answer = self.predictor.answer(content, read=self._decode)
        film = answer.film
        if read_before and answer.refusal is None:
            answer = replace(answer, warnings=(*answer.warnings, READ_BEFORE))
        case = Case(
            id=new_record_id(),
            created_at=now(),
            answer=replace(answer, film=None, evidence=None),  # pixels would fill a small machine's memory
            pictures=pictures_of(answer),
            age_years=film.age_years if film else None,
            origin=film.dicom_origin if film else None,
        )
        if answer.refusal is None:
            case = self._recorded(case, source, sha256)
        self.cases.put(case)
        return case

    def _recorded(self, case: Case, source: str, sha256: str) -> Case:
        """The case as it was recorded, or as it is when it could not be."""
        draft = _draft(case, source, sha256)
        try:
            store = self.store()
            try:
                store.add_draft(draft)
            except StoreError:
                if store.is_current():
                    raise
                self.store().add_draft(draft)  # its file was replaced just now
        except StoreError as error:
            self.not_saved = str(error)
            return case
        self.not_saved = self._keep(case)
        return replace(case, saved=True)

    def _keep(self, case: Case) -> str:
        """Keep the film if the site keeps films; returns why that failed, or nothing."""
        try:
            if self.films:
                self.films.keep(case.id, case.pictures.film_jpeg)
        except StoreError as error:
            return str(error)
        return ""

    def _was_recorded(self, sha256: str) -> bool:
        try:
            return self.store().find_film(sha256) is not None
        except StoreError as error:
            self.not_saved = str(error)
            return False

    def _from_record(self, record: Record) -> Case:
        """A film that is no longer in memory: without its heatmap, and with the film only where it was kept."""
        return case_of_record(record, self.films.film(record.id) if self.films else b"")


def _draft(case: Case, source: str, sha256: str) -> Draft:
    return Draft(
        id=case.id,
        film_sha256=sha256,
        decision=case.answer.decision,
        model=case.answer.model,
        runtime=case.answer.runtime,
        source=source,
        age_years=case.age_years,
        warnings=case.answer.warnings,
    )
