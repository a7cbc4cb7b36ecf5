"""The reading service: it reads films, records drafts and takes reviews. Independent of the web page."""

import dataclasses
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_app.errors import BundleError, FilmError, KitError, ReviewRefused, StoreError
from edge_app.imaging.decoder.choice import read_in_worker
from edge_app.imaging.film import film_content
from edge_app.imaging.formats.base import Film
from edge_app.imaging.turning import Turning
from edge_app.model.bundle import check_golden
from edge_app.model.card import ModelCard
from edge_app.reading.answer import Answer, Refusal, as_json
from edge_app.reading.film_checks import AGE_UNKNOWN, check_age
from edge_app.reading.predictor import INTERNAL_ERROR, Predictor
from edge_app.records import intake, reviews
from edge_app.records.audit import now
from edge_app.records.database import Store, open_store
from edge_app.records.kept_films import KeptFilms
from edge_app.records.readers import check_signer
from edge_app.records.record import (
    MAX_LABEL,
    NOBODY,
    Draft,
    Record,
    RefusedFilm,
    Review,
    Signature,
    Visit,
    new_record_id,
)
from edge_app.system.files import sha256_of
from edge_app.workflow.case import (
    FULL_SIDE_PX,
    SCREEN_SIDE_PX,
    Case,
    OtherChild,
    Pictures,
    case_of_record,
    case_of_refused,
    jpeg_of,
    pictures_of,
)
from edge_app.workflow.phone_draft import PhoneDraft, read_phone_draft
from edge_app.workflow.recent_cases import RecentCases

LOG = logging.getLogger(__name__)
READ_BEFORE, TOO_OLD = "read_before", "age_out_of_range"
MAX_WAITING_SHOWN = 100
MAX_UNSAVED = 100  # films that are kept in memory until the disk can be written again


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
        self.cases = RecentCases() if cases is None else cases
        self.films = films
        self.not_deleted = ""  # why old records stay although the site deletes them; empty when they do not
        self.not_saved = ""  # why the last draft could not be recorded; empty when it was
        self.must_live: list[threading.Thread] = []  # loops that read or delete without a page
        self.troubles: dict[str, str] = {}  # by loop: what it cannot do now, or nothing; anybody may read it: no path
        self.home = home
        self._decode = read
        self._store: Store | None = None
        self._store_lock = threading.Lock()
        self._unsaved: dict[str, tuple[Case, str]] = {}  # by ID, with the SHA-256 of the film
        self._unsaved_lock = threading.Lock()
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
                self._store = open_store(self.home, serves=True)
            return self._store

    def read(
        self, content: bytes, source: str = "page", visit: Visit = NOBODY, turnings: tuple[Turning, ...] = ()
    ) -> Case:
        """Score one film, record the draft or the refusal, and remember the case.

        A film that this model read before gives the case that is already in the record. What cannot be recorded
        gives a case that says so, and is recorded as soon as that is possible.

        Args:
            content: the bytes of the file, or of a draft that a phone saved, whose film is then read.
            source: "page", "watch" or "dicom".
            visit: whose film it is, as far as whoever handed it in knows; the film's own age goes first, its own label
                and sex stand in, and what a phone saved comes last.
            turnings: what somebody did to it on the screen; a turned film is another film.
        """
        self.save_again()
        try:
            draft = read_phone_draft(content)
        except FilmError as error:
            return self._not_read(error, sha256_of(content), source, visit)
        if draft:
            age = draft.visit.age_years if visit.age_years is None else visit.age_years
            content, source = draft.film, "phone"
            visit = replace(visit, label=visit.label or draft.visit.label, age_years=age)
        sha256 = sha256_of(content + repr(turnings).encode() if turnings else content)
        return self._read(content, source, sha256, visit, turnings, None if turnings else draft)

    def read_again(self, case_id: str, turnings: tuple[Turning, ...] = ()) -> Case:
        """Read a film once more, as it was turned or cropped on the screen; the first reading stays in the record.

        Raises:
            ReviewRefused: its file is no longer in memory.
        """
        case, file = self.find(case_id), self.cases.file(case_id)
        if case is None or not file:
            raise ReviewRefused("no_film", "The film is no longer in memory: hand it in again.")
        again = self.read(file, case.source, case.visit, case.turnings + turnings)
        if case.answer.refusal and not again.answer.refusal:
            self.close_refused(case_id, "page")
        return again

    def full_film(self, case_id: str) -> bytes:
        """The film as a JPEG in full resolution, at most FULL_SIDE_PX; empty when its file is no longer in memory."""
        case, file = self.cases.get(case_id), self.cases.file(case_id)
        try:
            return jpeg_of(self._decoded(file, None, case.turnings).pixels, FULL_SIDE_PX) if case and file else b""
        except FilmError:
            return b""

    def screen_film(self, case_id: str) -> bytes:
        """The film as a JPEG in the resolution of a screen; empty where there is none.

        The model needs less of a large film than a reader, so this is decoded when it is first asked for.
        """
        case = self.find(case_id)
        if case is None:
            return b""
        if case.pictures.is_small and (file := self.cases.file(case_id)):
            pictures = self._sharp(case.pictures, file, case.turnings)
            self.cases.show(case_id, pictures)
            return pictures.film_jpeg
        return case.pictures.film_jpeg

    def _sharp(self, pictures: Pictures, file: bytes, turnings: tuple[Turning, ...]) -> Pictures:
        """The same with the film in the resolution of a screen."""
        if not pictures.is_small:
            return pictures
        try:
            film = jpeg_of(self._decoded(file, SCREEN_SIDE_PX, turnings).pixels, SCREEN_SIDE_PX)
        except FilmError:
            return pictures
        return replace(pictures, film_jpeg=film, is_small=False)

    def read_file(self, path: Path) -> Case | None:
        """Read a film from a watched folder; None when this very film came before, read or refused.

        A file that cannot be opened gives a case with a reason, as any other.
        """
        try:
            content = film_content(path)
        except FilmError as error:
            return self._no_content(path, error)
        sha256 = sha256_of(content)
        with self._in_hand_lock:  # a copy of a film may be read at the same time
            if sha256 in self._in_hand or self._came_before(sha256):
                return None
            self._in_hand.add(sha256)
        try:
            return self._read(content, "watch", sha256)
        finally:
            with self._in_hand_lock:
                self._in_hand.discard(sha256)

    def give_up(self, path: Path) -> Case | None:
        """Record that the kit itself failed on a film of a watched folder; None while it waits in the list."""
        return self._no_content(path, INTERNAL_ERROR.to_error())

    def save_again(self) -> None:
        """Record what could not be recorded before; does nothing if there is nothing."""
        with self._unsaved_lock:
            waiting, self._unsaved = self._unsaved, {}
        for case, sha256 in waiting.values():
            self.cases.put(self._recorded(case, sha256))

    def unsaved(self) -> list[Case]:
        """Films that could not be recorded yet, the oldest first."""
        with self._unsaved_lock:
            return [case for case, _ in self._unsaved.values()]

    def is_held(self, case_id: str) -> bool:
        """Whether a film that could not be recorded is in memory until it can be."""
        with self._unsaved_lock:
            return case_id in self._unsaved

    def as_json(self, case: Case) -> dict[str, Any]:
        """A case as JSON: the fields of `predict --json`, with the record's id."""
        return {"id": case.id, "saved": case.saved, "warnings": list(case.answer.warnings)} | as_json(case.answer)

    def find(self, case_id: str) -> Case | None:
        """A case from memory or the record; None when it is in neither. A record that fails is ignored."""
        try:
            return self.recorded(case_id) or self.cases.get(case_id) or self._refused(case_id)
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
        return self._of_record(record)

    def waiting(self) -> list[Case]:
        """Drafts that nobody has signed, the most urgent first; none when the record cannot be read."""
        return self._listed("draft")

    def signed(self) -> list[Case]:
        """Signed records, the newest first; none when the record cannot be read."""
        return self._listed("signed")

    def refused(self) -> list[Case]:
        """Refused films to which nobody has seen, the newest first; none when the record cannot be read."""
        try:
            films = intake.open_refused_films(self.store(), MAX_WAITING_SHOWN)
        except StoreError:
            return []
        return [self.cases.get(film.id) or self._of_refused(film) for film in films]

    def close_refused(self, case_id: str, actor: str) -> None:
        """Somebody saw to a refused film; raises as `history`."""
        intake.close_refused_film(self.store(), case_id, actor)

    def earlier_film(self, case: Case) -> Case | None:
        """The child's film before this one, while it can be seen; None without a label, or if there is none."""
        if not case.visit.label:
            return None
        try:
            others = (record for record in self.store().records_of(case.visit.label) if record.id != case.id)
            cases = (self._of_record(record) for record in others if record.created_at <= case.created_at)
            return next((found for found in cases if found.pictures.film_jpeg), None)
        except StoreError:
            return None

    def revision(self) -> str:
        """A value that changes whenever a list may have changed."""
        try:
            return f"{self.store().acts()} {self.not_saved} {self.not_deleted}"
        except StoreError as error:
            return str(error)

    def history(self, case_id: str) -> list[Review]:
        """Every act of a reader on a record, the first one first.

        Raises:
            StoreError: the record cannot be read.
        """
        return reviews.history(self.store(), case_id)

    def sign(self, signature: Signature, pin: str) -> None:
        """Sign a draft or amend a signature, once initials and PIN are right.

        Raises:
            ReaderRefused: initials or PIN are wrong.
            ReviewRefused: the record is not as the reader saw it, or its film cannot be seen.
            StoreError: there is no such record, or it could not be written.
        """
        store = self.store()
        reader = check_signer(store, signature.reader, pin)
        case = self.recorded(signature.record_id)
        if case and not case.pictures.film_jpeg:
            raise ReviewRefused("no_film", "The film is no longer in memory: read it again before you sign.")
        if signature.visit and self._age_refusal(signature.visit):
            raise ReviewRefused(
                "age_signed", "The model is not for this age: take the signature back, then say the age."
            )
        reviews.sign(store, replace(signature, reader=reader))

    def name_visit(self, case_id: str, visit: Visit, actor: str, seen: int) -> Case | None:
        """Say whose film it is. A draft of a child of another age than the model's is a refused film from then on.

        Returns:
            The case as it is now; another one where a film that was refused for its age was read again.
        Raises:
            ReviewRefused: it is signed, or changed meanwhile.
            StoreError: it could not be recorded.
        """
        case, refusal = self.find(case_id), self._age_refusal(visit)
        if case and case.answer.refusal:
            intake.name_refused_film(self.store(), case_id, visit, actor)
            self.cases.put(replace(case, visit=visit))
            is_readable = case.answer.refusal.code == TOO_OLD and not refusal and self.cases.file(case_id)
            return self.read_again(case_id) if is_readable else self.find(case_id)
        self._name_draft(self.store(), case_id, visit, actor, seen, refusal)
        if case and refusal:
            answer = Answer(refusal, case.answer.model, case.answer.runtime)
            pictures = replace(case.pictures, contour=())
            self.cases.put(replace(case, answer=answer, pictures=pictures, visit=visit, saved=True))
        return self.find(case_id)

    def _name_draft(
        self, store: Store, case_id: str, visit: Visit, actor: str, seen: int, refusal: Refusal | None
    ) -> None:
        reviews.name_visit(store, case_id, visit, actor, seen, refusal)
        if refusal and self.films:
            self.films.drop([case_id])

    def withdraw(self, record_id: str, reader: str, pin: str, reason: str, seen: int) -> None:
        """Withdraw one's own signature; raises as `sign`."""
        store = self.store()
        reviews.withdraw(store, record_id, check_signer(store, reader, pin), reason, seen)

    def discard(self, record_id: str, reader: str, pin: str, reason: str, seen: int) -> None:
        """Take a draft off the list; raises as `sign`."""
        store = self.store()
        reviews.discard(store, record_id, check_signer(store, reader, pin), reason, seen)

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

    def _not_read(self, error: FilmError, sha256: str, source: str, visit: Visit = NOBODY) -> Case:
        """The case of a file in which no film was found."""
        answer = Answer(Refusal.of(error), self.predictor.identity, str(self.predictor.runtime))
        case = self._recorded(Case(new_record_id(), now(), answer, visit=visit, source=source), sha256)
        self.cases.put(case)
        return case

    def _no_content(self, path: Path, error: FilmError) -> Case | None:
        """The case of a file in a watched folder whose content is not known; None while the same one waits in the list.

        Once somebody saw to it, it may be another film under the same name.
        """
        sha256 = _file_sha256(path)
        is_listed = self._record_says(lambda store: intake.waits_refused(store, sha256))
        return None if is_listed else self._not_read(error, sha256, "watch")

    def _age_refusal(self, visit: Visit) -> Refusal | None:
        try:
            check_age(visit.age_years, self.predictor.card)
        except FilmError as error:
            return Refusal.of(error)
        return None

    def _decoded(self, source: Path | bytes, min_side_px: int | None, turnings: tuple[Turning, ...]) -> Film:
        film = self._decode(source, None if turnings else min_side_px)
        for turning in turnings:
            film = turning.apply(film)
        return film

    def _read(
        self,
        content: bytes,
        source: str,
        sha256: str,
        visit: Visit = NOBODY,
        turnings: tuple[Turning, ...] = (),
        draft: PhoneDraft | None = None,
    ) -> Case:
        def decode(film: Path | bytes, min_side_px: int | None) -> Film:
            decoded = self._decoded(film, min_side_px, turnings)
            return decoded if decoded.age_years is not None else replace(decoded, age_years=visit.age_years)

        answer = self.predictor.answer(content, read=decode)
        film = answer.film
        if film and film.age_years is None and not answer.refusal:
            answer = replace(answer, warnings=(*answer.warnings, AGE_UNKNOWN))
        if draft:
            answer = replace(answer, warnings=(*answer.warnings, *draft.differences(answer)))
        pictures = pictures_of(answer)
        if film and self.films:  # what is kept must be sharp; else it is made when somebody looks
            pictures = self._sharp(pictures, content, turnings)
        if film:
            visit = Visit(visit.label or film.label[:MAX_LABEL], film.age_years, visit.sex or film.sex)
        case = Case(
            id=new_record_id(),
            created_at=now(),
            answer=replace(answer, film=None, evidence=None),  # pixels would fill a small machine's memory
            pictures=pictures,
            visit=visit,
            source=source,
            origin=film.dicom_origin if film else None,
            turnings=turnings,
        )
        case = self._recorded(case, sha256)
        self.cases.put(case, content if film else b"")
        return case

    def _recorded(self, case: Case, sha256: str) -> Case:
        """The case as it was recorded, or as it is when it could not be; then it is held until it can be."""
        try:
            store = self.store()
            try:
                saved = self._save(store, case, sha256)
            except StoreError:
                if store.is_current():
                    raise
                saved = self._save(self.store(), case, sha256)  # its file was replaced just now
        except StoreError as error:
            self.not_saved = str(error)
            with self._unsaved_lock:
                if len(self._unsaved) < MAX_UNSAVED:
                    self._unsaved[case.id] = case, sha256
            return case
        self.not_saved = "" if saved.answer.refusal else self._keep(saved)
        return saved

    def _save(self, store: Store, case: Case, sha256: str) -> Case:
        """Record a draft or a refused film, unless it is in the record already."""
        answer = case.answer
        if record := _same_film(store, answer, sha256):
            return self._came_again(store, case, record)
        if refusal := answer.refusal:
            film = RefusedFilm(case.id, sha256, refusal.status, refusal.code, refusal.sentence, case.source, case.visit)
            return replace(case, id=intake.add_refused_film(store, film), saved=True)
        draft = Draft(
            id=case.id,
            film_sha256=sha256,
            decision=answer.decision,
            model=answer.model,
            runtime=answer.runtime,
            source=case.source,
            visit=case.visit,
            warnings=answer.warnings,
            lung_field=answer.lung_field,
            turnings=case.turnings,
        )
        store.add_draft(draft)
        return replace(case, saved=True)

    def _came_again(self, store: Store, case: Case, record: Record) -> Case:
        """The case of a film that is in the record already, where what is said of its child now is added or doubted."""
        answer = replace(case.answer, warnings=(*case.answer.warnings, READ_BEFORE))
        again = replace(case, id=record.id, created_at=record.created_at, answer=answer)
        visit, refusal = record.visit.filled_with(case.visit), answer.refusal
        if visit == record.visit and not refusal:
            return again.as_recorded(record)
        if visit and record.status == "draft":
            try:
                self._name_draft(store, record.id, visit, case.source, record.version, refusal)
                named = store.record(record.id)  # none for a child of another age: it is a refused film now
                return again.as_recorded(named) if named else replace(again, visit=visit, saved=True)
            except ReviewRefused:  # somebody changed it just now: what they said stays
                record = store.record(record.id) or record
        kept = self._of_record(record) if refusal else again.as_recorded(record)
        warnings = (*kept.answer.warnings, OtherChild(record.visit, case.visit))
        pictures = kept.pictures if kept.pictures.film_jpeg else case.pictures
        return replace(kept, answer=replace(kept.answer, warnings=warnings), pictures=pictures)

    def _keep(self, case: Case) -> str:
        """Keep the film if the site keeps films; returns why that failed, or nothing."""
        try:
            if self.films:
                self.films.keep(case.id, case.pictures.film_jpeg)
        except StoreError as error:
            return str(error)
        return ""

    def _came_before(self, sha256: str) -> bool:
        def is_known(store: Store) -> bool:
            is_recorded = store.find_film(sha256) is not None or intake.was_refused(store, sha256)
            return is_recorded or store.was_purged(sha256)

        return self._record_says(is_known)

    def _record_says(self, question: Callable[[Store], bool]) -> bool:
        """What the record answers; False when it cannot be read."""
        try:
            return question(self.store())
        except StoreError as error:
            self.not_saved = str(error)
            return False

    def _listed(self, status: str) -> list[Case]:
        try:
            records = self.store().records(status, MAX_WAITING_SHOWN)
        except StoreError:
            return []
        cases = ((self.cases.get(record.id), record) for record in records)
        return [case.as_recorded(record) if case else case_of_record(record) for case, record in cases]

    def _refused(self, case_id: str) -> Case | None:
        film = intake.refused_film(self.store(), case_id)
        return self._of_refused(film) if film else None

    def _of_refused(self, film: RefusedFilm) -> Case:
        return case_of_refused(film, self.predictor.identity, str(self.predictor.runtime))

    def _of_record(self, record: Record) -> Case:
        """A film from memory; one that is no longer there has no heatmap, and its film only where it was kept."""
        case = self.cases.get(record.id)
        if case:
            return case.as_recorded(record)
        return case_of_record(record, self.films.film(record.id) if self.films else b"")


def _same_film(store: Store, answer: Answer, sha256: str) -> Record | None:
    """The record of the same film, where this answer is no other one. A child's wrong age may be said of any draft."""
    refusal = answer.refusal
    if refusal and refusal.code != TOO_OLD:
        return None
    earlier = store.find_film(sha256, "" if refusal else answer.model.sha256)
    record = store.record(earlier) if earlier else None
    if record is None or record.status == "discarded":
        return None
    is_same = record.status == "draft" if refusal else record.decision.threshold == answer.decision.threshold
    return record if is_same else None


def _file_sha256(path: Path) -> str:
    """Stands for a file whose content is not known: another size or time under the same name is another film."""
    try:
        status = path.stat()
        state = (status.st_size, status.st_mtime_ns)
    except (OSError, ValueError):
        state = (0, 0)
    return sha256_of(repr((bytes(path), state)).encode())
