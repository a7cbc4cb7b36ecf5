"""What a model must pass before it is used: its golden films, and a drawn film's whole way through the kiosk.

The film is predicted, shown, recorded, signed, reported and exported, in a record that is thrown away: first with the
model's own answer, then with every answer that its card allows, because a film of a patient may get any of them.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_app.errors import BundleError, KitError
from edge_app.imaging.film import read_film
from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.language import LANGUAGES, say
from edge_app.kiosk.views.answer import answer
from edge_app.kiosk.views.document import Frame
from edge_app.kiosk.views.film import film
from edge_app.kiosk.views.hand_in import outcome
from edge_app.kiosk.views.header import ROOMS, header
from edge_app.kiosk.views.queue import queue
from edge_app.kiosk.views.record_list import record_list
from edge_app.kiosk.views.report import report
from edge_app.model.bundle import read_bundle
from edge_app.model.card import ModelCard
from edge_app.model.runtimes.interpreter import Outputs
from edge_app.model.trial import PASSED
from edge_app.reading.predictor import INTERNAL_ERROR, Predictor
from edge_app.reading.selftest import replay
from edge_app.records.export import to_csv, to_json
from edge_app.records.record import Record, RefusedFilm, Review
from edge_app.workflow.case import Case
from edge_app.workflow.reading_service import ReadingService, check_speaks_of_pneumonia
from edge_app.workflow.record_search import Search
from edge_app.workflow.result_image import result_image, result_lines

RARE = 1e-6  # the probability of every class but one


def self_test(path: Path) -> dict[str, Any]:
    """Test a model file on this machine.

    Returns:
        What `selftest --json` prints, without the status: the golden films of `replay`, and `kiosk`, which is "ok", or
        why the kiosk does not take this model, of other classes, although films can be scored with it.
    Raises:
        BundleError: it fails one of the tests.
    """
    bundle = read_bundle(path)
    result = replay(bundle)
    try:
        check_speaks_of_pneumonia(bundle.card)
    except BundleError as error:
        return result | {"kiosk": str(error)}
    with tempfile.TemporaryDirectory() as folder:
        _walk(_Saying(bundle), Path(folder))
    return result | {"kiosk": PASSED}


class _Saying(Predictor):
    """A predictor whose logits can be given; all else is the model's own."""

    logits: np.ndarray | None = None

    def infer(self, pixels: np.ndarray) -> Outputs:
        """As the model, with the given logits, if there are any."""
        outputs = super().infer(pixels)
        return outputs if self.logits is None else replace(outputs, logits=self.logits)


def _walk(predictor: _Saying, folder: Path) -> None:
    card, service = predictor.card, ReadingService(predictor, folder, read=read_film)
    if service.read(phantom_png("viral", 0)).answer.refusal == INTERNAL_ERROR:
        raise BundleError(f"model {card.name} fails on a drawn film: do not use it")
    predictor.rejection = None  # a drawing may be unlike the films that a model learned from
    for seed, logits in enumerate(_every_answer(card), start=1):
        predictor.logits = logits
        case = service.read(phantom_png("viral", seed))  # the same film twice would be one record
        for step, take in (("page", _page), ("record", _record), ("report", _report), ("export", _export)):
            try:
                take(service, case)
            except Exception as cause:  # whatever breaks the kiosk here would break it for a film of a patient
                raise BundleError(f"model {card.name} breaks the {step}: {cause!r}: do not use it") from cause


def _every_answer(card: ModelCard) -> list[np.ndarray]:
    """Logits for each class, and for a film exactly at the threshold."""
    classes, threshold = len(card.labels), card.operating_point()[1].threshold
    shares = [np.where(np.eye(classes)[index], 1 - RARE, RARE) for index in range(classes)]
    shares.append(np.where(np.eye(classes)[card.negative_index], 1 - threshold, threshold / (classes - 1)))
    return [card.temperature * np.log(share) for share in shares]


def _page(service: ReadingService, case: Case) -> None:
    card = service.predictor.card
    if case.answer.refusal:
        raise case.answer.refusal.to_error()
    for language in LANGUAGES:
        header(card, language, ROOMS[0], 1, {})
        outcome([case], card, language)
        film(case, case.version, language)
        answer(case, card, language)
        _check_rows(queue([case], [], [], case.id, language), language)


def _record(service: ReadingService, case: Case) -> None:
    if not case.saved:
        raise KitError(service.not_saved)
    records: list[Record | RefusedFilm] = [*service.store().records()]
    for language in LANGUAGES:
        _check_rows(record_list(records, len(records), Search(), Frame(language), hidden=False), language)


def _report(service: ReadingService, case: Case) -> None:
    card = service.predictor.card
    signed = replace(service.recorded(case.id) or case, review=Review(case.id, "AB", "agree", "normal"))
    for language in LANGUAGES:
        report(signed, card, [], Frame(language), hidden=False)
    result_image(signed, result_lines(signed, card))


def _export(service: ReadingService, case: Case) -> None:
    for export in (to_csv, to_json):
        if case.id not in export(service.store().records()):
            raise KitError("the record is not in it")


def _check_rows(page: str, language: str) -> None:
    if say(language, "row_damaged") in page:
        raise KitError("a row cannot be shown")
