"""What was seen in 0.3.0, each as a step that failed there; the ways of the page are in test_kiosk_browser.py."""

import re
import time

import pytest
from clinic import Clinic, enrol, exported, settled
from tests_support import crafted_bundle

ASIDE = "document.querySelectorAll('.film-contour').length"


@pytest.mark.parametrize("size", [(800, 480), (390, 844)], ids=str)
def test_no_number_and_no_contour_meet_the_eye_first_and_a_draft_says_that_it_is_one(
    start_kiosk, browser, wait_for, films, size
):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url, size)
        clinic.hand_in(films("bacterial", 148), label="ANNA")
        wait_for(lambda: "ANNA" in clinic.text(".outcome .result"))
        assert not re.search(r"\d+( of|%|/| in) ?\d*", clinic.text(".outcome .result"))
        clinic.read("ANNA")
        clinic.see(".film-viewer canvas")
        wait_for(lambda: clinic.text(".chip").startswith("▲ Draft"))
        assert clinic.in_sight(".chip", ".film-viewer") == []
        assert not re.search(r"\d", clinic.text(".answer")), "the score is behind a click"
        assert settled(clinic, f"return {ASIDE}") == 0
        clinic.press('.film-tools [data-tool="contour"]')
        wait_for(lambda: browser.execute_script(f"return {ASIDE}"))
        clinic.press(".answer summary")
        wait_for(lambda: "of 100" in clinic.text(".answer"))


def test_no_contour_is_drawn_on_a_film_without_a_sign(start_kiosk, browser, wait_for, films, tmp_path):
    """The film of the test above, read by a model that finds nothing in any film."""
    never = {"operating_points.balanced.threshold": 0.9999, "parity.threshold": 0.9999}
    with start_kiosk("--model", str(crafted_bundle(tmp_path / "never.tflite", never))) as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("bacterial", 148), label="ANNA")
        clinic.read("ANNA")
        clinic.see(".film-viewer canvas")
        wait_for(lambda: clinic.text(".chip").startswith("● Draft"))
        assert clinic.ask(".film-viewer", "e.dataset.contour") == ["[]"]
        clinic.press('.film-tools [data-tool="contour"]')
        assert settled(clinic, f"return {ASIDE}") == 0


def test_the_child_s_earlier_film_is_shown_next_to_the_new_one(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("viral", 30), label="0412")
        [first] = exported(kiosk)
        time.sleep(1.1)  # earlier, to the second
        clinic.hand_in(films("viral", 31), label="0412")
        newest = next(row["id"] for row in exported(kiosk) if row["id"] != first["id"])
        clinic.press(f'.queue .case[data-id="{newest}"]')
        wait_for(lambda: clinic.count(f'.film-viewer[data-earlier="picture/{first["id"]}/film"]'))
        clinic.press('.film-tools [data-tool="compare"]')
        wait_for(lambda: clinic.count(".film-pane") == 2)
        wait_for(lambda: "Earlier film" in clinic.text(".film-caption"))


def test_a_clinic_without_a_reader_is_told_so_and_a_failure_keeps_what_was_written(
    start_kiosk, browser, wait_for, films
):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("viral", 32), label="0412")
        clinic.read("0412")
        clinic.sign("viral", "ab", "2468", comment="left base")
        wait_for(lambda: "No reader is enrolled" in clinic.text("#kiosk-message"))
        assert clinic.ask("#kiosk-comment :is(input, textarea)", "e.value") == ["left base"]
        assert clinic.count('#kiosk-finding input[value="viral"]:checked')


@pytest.mark.parametrize(("language", "said"), [("en", "does not answer"), ("fr", "ne répond pas")])
def test_a_kiosk_that_is_gone_is_said_in_the_page_s_language(start_kiosk, browser, wait_for, films, language, said):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url, language=language)
        kiosk.process.terminate()
        kiosk.process.wait(20)
        clinic.write("input.label", "0412")
        clinic.add_films(films("viral", 33))
        wait_for(lambda: said in clinic.text(".progress"))
        assert "fetch" not in clinic.text(".progress")
        assert clinic.ask("input.label", "e.value") == ["0412"], "the film is handed in again"


def test_the_next_child_is_written_down_while_films_are_read(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.write("input.label", "0412")
        clinic.add_films(*(films("viral", seed) for seed in range(40, 46)))
        clinic.write("input.label", "0413")
        wait_for(lambda: clinic.queue() == ["0412"] * 6 and not clinic.count(".progress"))
        assert clinic.ask("input.label", "e.value") == ["0413"]


def test_times_are_those_of_the_clinic_and_a_reload_loses_nothing(start_kiosk, browser, wait_for, films):
    with start_kiosk(environment={"TZ": "Asia/Kolkata"}) as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("viral", 34), label="0412", age="2", sex="F")
        [row] = exported(kiosk)
        local = time.strptime(row["created_at"], "%Y-%m-%dT%H:%M:%SZ")
        minutes = (local.tm_hour * 60 + local.tm_min + 330) % 1440
        clinic = Clinic(browser, wait_for, kiosk.url)
        wait_for(lambda: "0412 · 2 y, girl" in clinic.text(".queue .case"))
        assert f"{minutes // 60:02}:{minutes % 60:02}" in clinic.text(".queue .case")
        assert clinic.count(".queue .thumbnail[src]")
        browser.get(f"{kiosk.url}/report/{row['id']}")
        assert "UTC+0530" in browser.page_source


def test_an_act_of_somebody_is_not_undone_by_a_refresh_that_was_under_way():
    """The refresh read the tab before the act, and comes back after it."""
    from types import SimpleNamespace

    from edge_app.kiosk.page import PageEvents, Parts, TabState

    request = SimpleNamespace(cookies={}, headers={}, session_hash="s")
    parts = Parts(*range(len(Parts.__dataclass_fields__)))
    revisions = iter("12")
    service = SimpleNamespace(revision=lambda: next(revisions), waiting=list, find=lambda _: None)
    events = PageEvents(service, parts)
    events._header = events._lists = lambda *_: ""
    before = TabState(revision="0", number=4)
    assert parts.head in events.refreshed(before, request)
    events._numbers["s"] = 5  # what `_shown` does
    assert list(events.refreshed(before, request)) == [parts.tab]
