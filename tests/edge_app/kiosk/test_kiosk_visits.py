"""Whose film it is, said on the page after the film came; and a part of a film, read again."""

import io
import json

import numpy as np
import pytest
from clinic import BIG, Clinic, enrol, exported, record_of, settled
from dicom_files import dicom_bytes
from PIL import Image

from edge_app.imaging.phantom import draw_phantom, phantom_png
from edge_app.records.intake import open_refused_films
from edge_app.records.record import Visit
from edge_app.records.reviews import name_visit


def name(clinic: Clinic, label: str = "", age: str = "", sex: str = "") -> None:
    """Say whose film is open, in the form over the film."""
    clinic.press(".whose summary")
    if label:
        clinic.write(".whose input.label", label)
    if age:
        clinic.write(".whose input.years", age)
        clinic.choose(".whose .unit", "years")
    if sex:
        clinic.choose(".whose select.sex", sex)
    clinic.press(".whose form button")


def test_a_film_of_a_folder_gets_its_child_on_the_page_and_after_signing_by_an_amendment_alone(
    start_kiosk, browser, wait_for, tmp_path
):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "IM0001.png").write_bytes(phantom_png("viral", 2, BIG))
    with start_kiosk("--watch", str(folder)) as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url, (800, 480))
        clinic.see(".queue .case .tag")
        clinic.press(".queue .case")
        clinic.see(".film-viewer canvas")
        clinic.write("#kiosk-comment :is(input, textarea)", "half a thought")
        name(clinic, "0412", "2", "F")
        wait_for(lambda: "0412" in clinic.text(".whose summary"))
        assert clinic.ask("#kiosk-comment :is(input, textarea)", "e.value") == ["half a thought"]
        [row] = exported(kiosk)
        assert (row["label"], row["age_years"], row["sex"], row["status"]) == ("0412", "2.0", "F", "draft")
        wait_for(lambda: "0412" in clinic.text(".history"))
        clinic.sign("viral", "ab", "2468")
        wait_for(lambda: exported(kiosk)[0]["status"] == "signed")
        clinic.read("0412")
        name(clinic, "0413")
        wait_for(lambda: "0413" in clinic.text("#kiosk-message"))
        assert exported(kiosk)[0]["label"] == "0412"
        clinic.sign("viral", "ab", "2468", reason="wrong sticker")
        wait_for(lambda: exported(kiosk)[0]["label"] == "0413")
        assert exported(kiosk)[0]["reason"] == "wrong sticker"
        with record_of(kiosk) as store:
            acts = [(entry.actor, entry.action) for entry in store.audit_log()]
            assert store.check() == []
        assert acts.count(("page", "visit named")) == acts.count(("AB", "visit named")) == 1


def test_a_child_that_is_named_elsewhere_is_seen_over_the_film_before_anybody_signs(
    start_kiosk, browser, wait_for, films
):
    with start_kiosk() as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("viral", 7), label="ANNA")
        clinic.read("ANNA")
        [row] = exported(kiosk)
        clinic.write("#kiosk-comment :is(input, textarea)", "half a thought")
        for seen, (visit, said) in enumerate(((Visit("BEN", 3.0), "BEN"), (Visit("BEN", 4.0), "4 y"))):
            with record_of(kiosk) as store:
                name_visit(store, row["id"], visit, "page", seen)
            if seen:
                wait_for(lambda: "4 y" in clinic.text(".whose summary"))  # by itself
            clinic.sign("viral", "ab", "2468")
            wait_for(lambda: "Somebody changed" in clinic.text("#kiosk-message"))
            assert said in clinic.text(".whose summary")
            assert clinic.ask("#kiosk-comment :is(input, textarea)", "e.value") == ["half a thought"]
            clinic.see(".film-viewer canvas")
            assert exported(kiosk)[0]["status"] == "draft"
        clinic.sign("viral", "ab", "2468")
        wait_for(lambda: exported(kiosk)[0]["status"] == "signed")
        assert exported(kiosk)[0]["comment"] == "half a thought"


def test_an_adult_s_age_that_is_told_later_takes_the_score_away_and_a_child_s_gives_it_back(
    start_kiosk, browser, wait_for, films
):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("viral", 3), label="0500")
        clinic.read("0500")
        [row] = exported(kiosk)
        name(clinic, age="40")
        wait_for(lambda: "40 years old" in clinic.text("#kiosk-answer"))
        assert not clinic.count("#kiosk-sign")
        assert exported(kiosk) == []
        assert kiosk.ask(f"/report/{row['id']}")[0] == 404
        assert "Pneumonia" not in clinic.text("#kiosk-answer")
        page = kiosk.ask("/record")[1].decode()
        assert "No score" in page
        assert 'class="pneumonia"' not in page
        with record_of(kiosk) as store:
            assert [film.code for film in open_refused_films(store)] == ["age_out_of_range"]
            assert store.check() == []
        name(clinic, age="4")
        wait_for(lambda: "Draft" in clinic.text("#kiosk-answer"))
        assert [row["age_years"] for row in exported(kiosk)] == ["4.0"]
        with record_of(kiosk) as store:
            assert open_refused_films(store) == []


def test_a_comma_in_an_age_is_a_decimal_point(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        for seed, age in enumerate(("2,5", "0,5", "٣", "४٫५")):
            clinic.hand_in(films("viral", seed), label=f"060{seed}", age=age)
        assert {row["label"]: row["age_years"] for row in exported(kiosk)} == {
            "0600": "2.5",
            "0602": "3.0",
            "0603": "4.5",
        }
        with record_of(kiosk) as store:
            [six_months] = open_refused_films(store)
        assert (six_months.visit.label, six_months.visit.age_years, six_months.code) == (
            "0601",
            0.5,
            "age_out_of_range",
        )
        clinic.read("0600")
        name(clinic, age="3,5")
        wait_for(lambda: {row["label"]: row["age_years"] for row in exported(kiosk)}["0600"] == "3.5")


def test_an_age_that_is_no_number_is_refused_in_words_before_anything_is_sent(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.write("input.label", "0700")
        for typed in ("12-", "3e", "9.5.", "9 y", "-1", "121"):
            clinic.write("input.years", typed)
            clinic.press(".drop")
            wait_for(lambda: "a number from 0 to 120" in clinic.text(".picker"))
            clinic.add_films(films("viral", 3))
            assert settled(clinic, "return document.querySelectorAll('.queue .case').length") == 0, typed
            assert clinic.ask("input.label, input.years", "e.value") == ["0700", typed], "to be corrected"
        clinic.hand_in(films("viral", 3), age="2")
        assert "a number from" not in clinic.text(".picker")
        assert [(row["label"], row["age_years"]) for row in exported(kiosk)] == [("0700", "2.0")]
        clinic.read("0700")
        name(clinic, age="3e")
        wait_for(lambda: "a number from 0 to 120" in clinic.text(".whose"))
        settled(clinic, "return document.querySelector('.whose').innerText")
        assert [row["age_years"] for row in exported(kiosk)] == ["2.0"]


def test_a_dicom_film_brings_its_own_number_age_and_sex_and_a_typed_number_goes_first(kiosk):
    film, other = (
        dicom_bytes(draw_phantom("viral", seed, BIG), PatientID="P-0815", PatientAge="003Y", PatientSex="F")
        for seed in (20, 21)
    )
    for content, headers in ((film, {}), (other, {"x_label": "0412"})):
        answer = json.loads(kiosk.ask("/films", content, **headers)[1])
        assert answer["status"] == "ok", answer
    rows = {row["label"]: (row["age_years"], row["sex"]) for row in exported(kiosk)}
    assert rows["P-0815"] == rows["0412"] == ("3.0", "F")


def drag(clinic: Clinic, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the left button, between two places given as fractions of the shown film."""
    box = settled(
        clinic,
        "const s = document.querySelector('.film-stage').getBoundingClientRect();"
        "const p = document.querySelector('.film-pane canvas'); const i = [p.clientWidth, p.clientHeight - 56];"
        "const u = Math.min(i[0] / 2, i[1]); return [s.x + i[0] / 2 - u, s.y + i[1] / 2 - u / 2, 2 * u, u]",
    )
    for kind, (across, down) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
        at = {"x": box[0] + across * box[2], "y": box[1] + down * box[3]}
        clinic.browser.execute_cdp_cmd(
            "Input.dispatchMouseEvent", {"type": kind, **at, "button": "left", "clickCount": 1, "buttons": 1}
        )


def test_a_part_of_a_refused_film_is_chosen_on_the_screen_and_read_again(start_kiosk, browser, wait_for, tmp_path):
    """A chest in the right half of a dark plate: refused as it is, answered once it is cropped."""
    chest = np.asarray(Image.open(io.BytesIO(phantom_png("viral", 9, BIG))))
    height, width = chest.shape
    plate = np.zeros((height, 2 * height), np.uint8)
    plate[:, 2 * height - width :] = chest // 3
    film = tmp_path / "plate.png"
    Image.fromarray(plate).save(film)
    with start_kiosk() as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(film, label="0412")
        assert exported(kiosk) == []
        clinic.read("0412")
        clinic.press('.film-tools button[data-tool="crop"]')
        drag(clinic, (1 - width / height / 2, 0.01), (0.99, 0.99))
        wait_for(lambda: "part" in clinic.text(".again"))
        clinic.press(".again")
        wait_for(lambda: "a part of the film" in clinic.text("#kiosk-answer"))
        [row] = exported(kiosk)
        assert row["label"] == "0412"
        with record_of(kiosk) as store:
            [turning] = store.record(row["id"]).turnings
            assert turning.crop == pytest.approx((1 - width / height / 2, 0.01, 0.99, 0.99), abs=0.02)
            assert open_refused_films(store) == [], "it was seen to"
        assert "a part of the film" in kiosk.ask(f"/report/{row['id']}")[1].decode()


def test_a_large_film_is_fetched_in_full_only_once_the_zoom_passes_what_is_shown(
    start_kiosk, browser, wait_for, tmp_path
):
    film = tmp_path / "large.jpg"
    Image.open(io.BytesIO(phantom_png("viral", 4, BIG))).resize((2400, 2100)).save(film, quality=90)
    asked = "return performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/full')).length"
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(film, label="0412")
        clinic.read("0412")
        clinic.see(".film-viewer canvas")
        [row] = exported(kiosk)
        sizes = [Image.open(io.BytesIO(kiosk.ask(f"/picture/{row['id']}/{kind}")[1])).size for kind in ("film", "full")]
        assert sizes == [(1024, 896), (2400, 2100)], "a reader sees more of a JPEG than the model needs"
        assert settled(clinic, asked) == 0
        clinic.press('.film-tools button[data-tool="actual"]')
        wait_for(lambda: browser.execute_script(asked) == 1)
    with start_kiosk() as kiosk:  # its memory is empty
        assert kiosk.ask(f"/picture/{row['id']}/full")[0] == 404
