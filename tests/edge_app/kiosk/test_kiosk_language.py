"""Every language has every text, and the right language is chosen."""

import json
import re
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest
from clinic import Clinic
from registry_names import restated

from edge_app.imaging.formats.registry import format_names
from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.language import LANGUAGES, LOCALES_DIR, language_of, refusal
from edge_app.kiosk.views.hand_in import visit_form
from edge_app.kiosk.views.words import Words, intended_use
from edge_app.records.record import DISCARDED, NAMED, VERDICTS, WITHDRAWN

KIOSK = Path(__file__).parents[3] / "edge_app" / "kiosk"
NONE = "qaa-DE,qaa;q=0.9"  # a code that ISO 639-2 leaves to private use: no language has it
GAP = re.compile(r"\{\w+\}")


def catalogue(code: str) -> dict[str, str]:
    return json.loads((LOCALES_DIR / f"{code}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_sentence_is_there_with_the_same_gaps(code):
    english, own = catalogue("en"), catalogue(code)
    assert set(english) <= set(own)
    for key in english:
        assert sorted(GAP.findall(own[key])) == sorted(GAP.findall(english[key])), key
        assert own[key].strip()


def test_every_file_of_a_language_is_in_the_list_which_is_the_only_one():
    assert {path.stem for path in LOCALES_DIR.iterdir()} == set(LANGUAGES)
    assert restated(set(LANGUAGES), ("edge_app/kiosk/language.py",)) == []
    for path in (KIOSK / "static").iterdir():
        quoted = set(re.findall(r"[\"']([a-z]{2})[\"']", path.read_text(encoding="utf-8")))
        assert quoted & set(LANGUAGES) <= {"en"}, path.name  # which stands in for any other


def test_all_languages_translate_the_same_refusals():
    translated = {code: {key for key in catalogue(code) if key.startswith("refusal_")} for code in LANGUAGES}
    del translated["en"]  # English refusals come with the error
    assert len(set(map(frozenset, translated.values()))) == 1
    source = "".join(path.read_text() for path in KIOSK.parent.rglob("*.py"))
    for key in translated["fr"]:
        assert f'"{key.removeprefix("refusal_")}"' in source, "no error has that code"
    assert refusal("fr", "damaged", "x") != "x"
    assert refusal("fr", "no_such_code", "as it was") == "as it was"


def test_every_sentence_is_used():
    source = "".join(path.read_text() for path in KIOSK.rglob("*.py"))
    families = (
        "age_",
        "decision_",
        "error_",
        "film_",
        "finding_",
        "hint_",
        "pill_",
        "point_",
        "role_",
        "room_",
        "sex_",
        "side_",
    )
    families += ("source_", "step_", "third_", "warning_", "why_", "draft_", "drift_")
    unused = [key for key in catalogue("en") if f'"{key}"' not in source and f"'{key}'" not in source]
    # Keys made of a family and a value: decision_normal, finding_viral, ...; "agree" comes from VERDICTS.
    left = {key for key in unused if not key.startswith(families)}
    assert left <= {*VERDICTS, WITHDRAWN, DISCARDED, NAMED, "years", "months"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_names_every_format_of_films(code):
    assert ", ".join(format_names()) in visit_form(code)


@pytest.mark.parametrize(
    ("cookies", "accepted", "language"),
    [
        ({}, "", "en"),
        ({}, "sw-TZ,en;q=0.8", "sw"),
        ({}, f"{NONE},fr;q=0.8", "fr"),
        ({"cxr_language": "hi"}, "fr", "hi"),
        ({"cxr_language": "../../etc"}, "es", "es"),
    ],
)
def test_the_choice_in_the_page_wins_then_the_browsers(cookies, accepted, language):
    assert language_of(cookies, accepted) == language


def test_chosen_language_is_that_of_the_whole_page_and_arabic_runs_from_right_to_left(kiosk, browser, wait_for):
    clinic = Clinic(browser, wait_for, kiosk.url)
    assert clinic.ask("select.language", "e.value") == ["en"]
    kiosk.ask("/films", phantom_png("viral", 8))
    clinic.choose("select.language", "ar")
    words = catalogue("ar")
    wait_for(lambda: words["choose_films"] in clinic.text("body"))
    assert clinic.ask("html", "[e.dir, e.lang]") == [["rtl", "ar"]]
    clinic.press("button.case")
    # Gradio's own parts, too: the form in which a reader signs.
    clinic.see("#kiosk-review:has(#kiosk-sign)")
    said = clinic.text("#kiosk-review")
    for key in ("finding", "finding_normal", "initials", "sign"):
        assert words[key] in said, key


def test_page_of_a_browser_without_any_of_our_languages_is_english_throughout(kiosk):
    status, page, headers = kiosk.ask("/", Accept_Language=NONE, Accept_Encoding="br, gzip")
    assert (status, "content-encoding" in headers) == (200, False)
    assert b'const chosen = "en"' in page[: page.index(b"gradio_config")]
    assert b'const chosen = "fr"' in kiosk.ask("/", Accept_Language=f"{NONE},fr;q=0.9")[1]
    assert b'const chosen = "en"' in kiosk.ask("/", Cookie='cxr_language="</script>"')[1]


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_what_the_shipped_model_is_for_is_said_in_the_page_s_language(shipped, code):
    said = intended_use(shipped.card, Words(code))
    assert escape(catalogue(code)["card_use"].format(youngest=1, oldest=5)) in said
    other = intended_use(replace(shipped.card, intended_use="For <cats>."), Words(code))
    assert ('lang="en"' in other, "For &lt;cats&gt;." in other) == (True, True)
