"""The walks of docs/ARCHITECTURE.md are the ways that a film takes: its modules in order, each entered once."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests_support import REPOSITORY

from edge_app.imaging.phantom import phantom_png
from edge_app.model.bundle import Bundle
from edge_app.reading.answer import as_json
from edge_app.reading.predictor import Predictor
from edge_app.workflow.reading_service import ReadingService

PAGE = (REPOSITORY / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
MOST_STOPS = 10


def stops(heading: str) -> list[str]:
    """The module that each numbered stop of a walk names first."""
    walk = re.split(r"^##", PAGE.split(f"### {heading}\n")[1], flags=re.MULTILINE)[0]
    return [re.findall(r"`(\w+/[\w/]+\.py)`", stop)[0] for stop in re.split(r"^\d+\. ", walk, flags=re.MULTILINE)[1:]]


def calls(action: Callable[[], Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every call of a function of the kit, as its module's path and its arguments."""
    seen = []

    def note(frame: Any, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(REPOSITORY / "edge_app") and frame.f_code.co_name != "<module>":
            seen.append((path.relative_to(REPOSITORY).as_posix(), dict(frame.f_locals)))

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return seen


def entered(seen: list[tuple[str, dict[str, Any]]], modules: list[str]) -> list[str]:
    """These modules in the order in which they were first entered."""
    return list(dict.fromkeys(module for module, _ in seen if module in modules))


@pytest.fixture(scope="module")
def film() -> bytes:
    return phantom_png("viral", 3)


def test_a_film_walks_through_predict_as_the_page_says(shipped: Bundle, film: bytes) -> None:
    predictor, walk = Predictor(shipped), stops("One film through `predict`")
    assert len(walk) <= MOST_STOPS
    seen = calls(lambda: as_json(predictor.answer(film)))
    assert entered(seen, walk) == walk[1:], "after the command itself"


def test_a_film_walks_from_upload_to_record_as_the_page_says(shipped: Bundle, film: bytes, tmp_path: Path) -> None:
    service = ReadingService(Predictor(shipped), tmp_path)
    walk = stops("One film from the kiosk's upload to the record")[1:-1]  # without the web's part and the signature
    walk.remove("edge_app/records/database.py")  # it is also asked first, whether the film was read before
    assert entered(calls(lambda: service.read(film)), walk) == walk


def test_no_dictionary_is_passed_between_predictor_and_database(shipped: Bundle, film: bytes, tmp_path: Path) -> None:
    service = ReadingService(Predictor(shipped), tmp_path)
    seen = calls(lambda: service.read(film))
    rooms = ("edge_app/reading/predictor.py", "edge_app/workflow/", "edge_app/records/database.py")
    passed = [
        f"{module}: {name}"
        for module, arguments in seen
        if module.startswith(rooms)
        for name, value in arguments.items()
        if isinstance(value, dict) and all(isinstance(key, str) for key in value)
    ]
    assert passed == []
