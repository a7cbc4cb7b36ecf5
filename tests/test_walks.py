"""The walks of docs/ARCHITECTURE.md are the ways that a film takes: its modules in order, each entered once."""

import inspect
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
MOST_ENTRIES = 3


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


def test_fit_enters_no_module_more_than_three_times(tiny_network: None, phantoms: Path, tmp_path: Path) -> None:
    from train.training.fit import FitOptions, fit

    options = FitOptions(out=tmp_path / "run", data=str(phantoms), arch="tiny", epochs=1, batch_size=16)
    places = entries(lambda: fit(options), "train")
    assert places["train/training/fit.py"], "the walk was followed"
    assert not {module: found for module, found in places.items() if len(found) > MOST_ENTRIES}


def entries(action: Callable[[], Any], package: str) -> dict[str, set[tuple[str, str]]]:
    """By module of a package: which other module of the kit enters it, and with which of its functions.

    A call in a loop is one entry. Methods of the data that is handed on, and what Keras calls, are none.
    """
    found: dict[str, set[tuple[str, str]]] = {}

    def note(frame: Any, event: str, _: Any) -> None:
        module = _module(frame)
        if event != "call" or not module.startswith(package) or not _is_function(frame):
            return
        caller = frame.f_back
        while caller and not _module(caller):
            if "/keras/" in caller.f_code.co_filename:
                return
            caller = caller.f_back
        if caller and _module(caller) != module:
            found.setdefault(module, set()).add((_module(caller), frame.f_code.co_name))

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return found


def _module(frame: Any) -> str:
    """The module of the kit that a frame runs, as a path; empty for other code."""
    path = frame.f_code.co_filename
    return path.removeprefix(f"{REPOSITORY}/") if path.startswith(f"{REPOSITORY}/") else ""


def _is_function(frame: Any) -> bool:
    """Whether it runs a function of its module, and no method and no inner function."""
    function = frame.f_globals.get(frame.f_code.co_name)
    return getattr(inspect.unwrap(function), "__code__", None) is frame.f_code if callable(function) else False
