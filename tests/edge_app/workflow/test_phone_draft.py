"""A file that a phone saved: its film is read anew, with age and label, and what is wrong with the file is said."""

import base64
import hashlib
import json
from typing import Any

import pytest

from edge_app.imaging.phantom import phantom_png
from edge_app.imaging.turning import Turning
from edge_app.kiosk.language import LANGUAGES, words
from edge_app.reading.predictor import Predictor
from edge_app.records.record import Visit
from edge_app.workflow.phone_draft import MAX_REST_BYTES

FILM = phantom_png("viral", 1)
DIFFERENT = {"phone_other_model", "phone_other_answer"}


def saved(predictor: Predictor, content: bytes = FILM, **changed: Any) -> bytes:
    """What the page saves; `None` leaves a field out."""
    answer = predictor.answer(content)
    fields = {"file": "child.png", "status": "ok", "model": {"sha256": predictor.identity.sha256}}
    fields |= {"decision": answer.decision.decision} if not answer.refusal else {}
    fields |= {"film_sha256": hashlib.sha256(content).hexdigest(), "age_years": 3, "label": "0412"}
    fields |= {"film": base64.b64encode(content).decode()} | changed
    return json.dumps({name: value for name, value in fields.items() if value is not None}, indent=1).encode()


def test_the_film_in_it_is_read_with_its_age_and_label_and_is_the_film_that_it_is(service, predictor):
    case = service.read(saved(predictor))
    record = service.store().record(case.id)
    assert (record.visit, record.source, record.model) == (Visit("0412", 3), "phone", predictor.identity)
    assert record.decision == predictor.answer(FILM).decision
    assert not DIFFERENT & set(record.warnings)
    assert service.read(FILM).id == case.id


def test_what_is_said_at_the_kiosk_goes_first(service, predictor):
    assert service.read(saved(predictor), visit=Visit("0500", 2.0, "F")).visit == Visit("0500", 2.0, "F")
    other = saved(predictor, phantom_png("viral", 2))
    assert service.read(other, visit=Visit(age_years=40)).answer.refusal.code == "age_out_of_range"


@pytest.mark.parametrize(
    ("changed", "warnings"),
    [
        ({"model": {"sha256": "0" * 64}}, {"phone_other_model"}),
        ({"decision": "unheard of"}, {"phone_other_answer"}),
        ({"model": {"sha256": "0" * 64}, "decision": "unheard of"}, DIFFERENT),
        ({"decision": None, "status": "rejected"}, set()),  # the kiosk reads more formats than a phone
    ],
)
def test_an_answer_that_differs_is_said_in_every_language(service, predictor, changed, warnings):
    case = service.read(saved(predictor, **changed))
    assert DIFFERENT & set(case.answer.warnings) == warnings
    assert DIFFERENT & set(service.store().record(case.id).warnings) == warnings
    texts = {words(language)[f"warning_{code}"] for code in warnings for language in LANGUAGES}
    assert len(texts) == len(warnings) * len(LANGUAGES)


def test_a_score_of_the_phone_for_a_film_that_the_kiosk_refuses_is_said(service, predictor):
    case = service.read(saved(predictor, age_years=40, decision="normal"))
    assert (case.answer.refusal.code, "phone_other_answer" in case.answer.warnings) == ("age_out_of_range", True)


def test_a_film_that_was_turned_since_is_not_compared(service, predictor):
    case = service.read(saved(predictor, decision="unheard of"), turnings=(Turning(turns=1),))
    assert not DIFFERENT & set(case.answer.warnings)
    assert case.visit.label == "0412"


DEEP = '{"film_sha256": ' + "[" * 50_000 + "]" * 50_000 + "}"
DAMAGED = {
    "no JSON": b'{"film_sha256": ',
    "a list in it": b'{"film_sha256": [1, }',
    "deep": DEEP.encode()[: MAX_REST_BYTES - 1],
    "long": b'{"film_sha256": "' + b"a" * MAX_REST_BYTES + b'"}',
    "not UTF-8": b'{"film_sha256": "\xff"}',
}
CHANGED = {
    "another film": {"film_sha256": "0" * 64},
    "a hash of another type": {"film_sha256": 7},
    "bad base 64": {"film": "AAA"},
    "no model": {"model": None},
    "a model of another type": {"model": "compact"},
    "a decision of another type": {"decision": ["normal"]},
    "a label of another type": {"label": 412},
    "a label that is too long": {"label": "4" * 41},
    "a label with a control character": {"label": "04\x0012"},
    "an age in words": {"age_years": "three"},
    "an age that is true": {"age_years": True},
    "an age of no number": {"age_years": float("nan")},
    "an age that is too high": {"age_years": 1e300},
    "an age below nothing": {"age_years": -1},
}


@pytest.mark.parametrize("what", [*DAMAGED, *CHANGED])
def test_a_damaged_file_is_refused_with_its_code_and_is_in_the_list(service, predictor, what):
    content = DAMAGED[what] if what in DAMAGED else saved(predictor, **CHANGED[what])
    refusal = service.read(content).answer.refusal
    assert (refusal.status, refusal.code) == ("error", "phone_draft_damaged"), refusal
    assert "save it again" in refusal.sentence
    assert [film.answer.refusal.code for film in service.refused()] == ["phone_draft_damaged"]


@pytest.mark.parametrize("film", [None, 7, {"film": "AAAA"}, ["AAAA"]])
def test_a_file_without_its_film_says_so(service, predictor, film):
    assert service.read(saved(predictor, film=film)).answer.refusal.code == "phone_draft_no_film"


@pytest.mark.parametrize(("film", "code"), [(b"", "empty_file"), (b"no film", "not_an_image"), (FILM[:99], "damaged")])
def test_what_is_no_film_in_it_is_refused_as_anywhere(service, predictor, film, code):
    assert service.read(saved(predictor, film)).answer.refusal.code == code


@pytest.mark.parametrize("content", [b"{}", b'{"a": 1}', b"[" * 100_000])
def test_other_json_is_no_picture(service, content):
    assert service.read(content).answer.refusal.code == "not_an_image"


def test_a_draft_in_a_draft_is_no_picture(service, predictor):
    assert service.read(saved(predictor, saved(predictor))).answer.refusal.code == "not_an_image"
