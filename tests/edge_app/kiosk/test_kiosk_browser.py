"""The page in a real browser, as each person uses it: who hands in, who reads, and a second reader elsewhere."""

import json
import re
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from clinic import BIG, Clinic, enrol, exported, leave, record_of, settled
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from tests_support import LAN_NAME

from edge_app.imaging.phantom import phantom_png
from edge_app.records.database import open_store
from edge_app.records.readers import add_reader
from edge_app.records.record import Signature
from edge_app.records.reviews import sign

SIZES = ((800, 480), (1024, 600), (1280, 800), (390, 844))
QUICK_WAYS = (((800, 480), "en"), ((390, 844), "ar"))  # `make test-slow` goes the others, too
WAYS = [(size, language) for size in SIZES for language in ("en", "ar")]


def requested_hosts(browser) -> set[str]:
    """Every host that the page asked for anything, from the browser's own log."""
    hosts = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            address = urlsplit(message["params"]["request"]["url"])
            if address.scheme not in ("data", "blob", "chrome", "about"):
                hosts.add(address.hostname)
    return hosts


def fetched(browser, path: str) -> list:
    """What a script of the page gets: the status, and whether it was sent elsewhere."""
    script = "fetch(arguments[0]).then((answer) => arguments[1]([answer.status, answer.redirected]))"
    return browser.execute_async_script(script, path)


@pytest.mark.parametrize(
    ("size", "language"),
    [
        pytest.param(*way, id=f"{way[0][0]}x{way[0][1]}-{way[1]}", marks=[] if way in QUICK_WAYS else pytest.mark.slow)
        for way in WAYS
    ],
)
def test_from_a_child_to_a_signature_on_every_screen(kiosk, browser, wait_for, films, tmp_path, size, language):
    number = WAYS.index((size, language))
    sick, well, refused, reader = f"S{number}", f"W{number}", f"R{number}", f"AB{number}"
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"this is no picture %d" % number)
    enrol(kiosk, reader)
    clinic = Clinic(browser, wait_for, kiosk.url, size, language)
    # Who hands in: the child's number, the film, one plain line, and the list.
    clinic.hand_in(films("bacterial", 300 + number), label=sick, age="2", sex="F")
    wait_for(lambda: sick in clinic.text(".outcome .verdict"))
    clinic.hand_in(films("normal", 400 + number), label=well)
    clinic.hand_in(broken, label=refused)
    assert clinic.count(".queue .thumbnail[src]")
    wait_for(lambda: {sick, well} <= set(clinic.queue()))
    wait_for(lambda: refused in clinic.queue(2))  # a refused film is in the list, with its reason
    assert not clinic.in_sight("input.label", ".drop")
    # Who reads: film, findings and signature in sight together, and whose film it is.
    clinic.read(sick)
    clinic.see(".film-viewer canvas")
    assert sick in clinic.text(".whose")
    assert clinic.in_sight(".film-viewer", "#kiosk-finding", "#kiosk-pin", "#kiosk-sign") == []
    clinic.sign("bacterial", reader, "9999")
    wait_for(lambda: clinic.text("#kiosk-message [role=alert]"))
    clinic.sign("bacterial", reader, "2468")
    wait_for(lambda: sick not in clinic.text(".whose"))  # the next film
    wait_for(lambda: sick in clinic.text("#kiosk-message"))
    [row] = [row for row in exported(kiosk) if row["label"] == sick]
    said = [row[key] for key in ("status", "finding", "reader", "age_years", "sex")]
    assert said == ["signed", "bacterial", reader, "2.0", "F"]
    assert requested_hosts(browser) == {"127.0.0.1"}
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == [], "the page breaks its own content policy or misses a file"


def test_a_batch_stays_sorted_by_urgency_and_opens_nothing_by_itself(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("viral", 50), label="0400")
        clinic.read("0400")
        clinic.write("#kiosk-comment :is(input, textarea)", "half a thought")
        clinic.press('button[data-room="hand_in"]')
        batch = [films(("normal", "bacterial", "viral")[seed % 3], seed) for seed in range(14)]
        clinic.hand_in(*batch, label="0500")
        scores = {row["id"]: float(row["p_pneumonia"]) for row in exported(kiosk)}
        ids = clinic.ask(".queue section:first-of-type .case", "e.dataset.id")
        assert len(ids) == 15
        assert [scores[one] for one in ids] == sorted(scores.values(), reverse=True)
        clinic.press('button[data-room="read"]')
        wait_for(lambda: "0400" in clinic.text(".whose"))
        assert clinic.ask("#kiosk-comment :is(input, textarea)", "e.value") == ["half a thought"]


def test_another_reader_s_signature_is_seen_within_two_seconds_and_not_replaced(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        enrol(kiosk, "AB", "CD")
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("bacterial", 5), label="0412")
        clinic.read("0412")
        [row] = exported(kiosk)
        with record_of(kiosk) as store:
            sign(store, Signature(row["id"], "CD", "bacterial", comment="left base"))
        signed_at = time.monotonic()
        wait_for(lambda: "CD" in clinic.text(".history"))
        assert time.monotonic() - signed_at < 2 * 3  # three times the promise: other tests run at the same time
        clinic.sign("normal", "ab", "2468")  # what the reader saw was a draft
        wait_for(lambda: "CD" in clinic.text("#kiosk-message"))
        assert exported(kiosk)[0]["finding"] == "bacterial"
        assert clinic.ask("#kiosk-comment :is(input, textarea)", "e.value") == ["left base"]
        # An amendment is an act of its own, and says why.
        clinic.sign("normal", "ab", "2468")
        wait_for(lambda: "why" in clinic.text("#kiosk-message"))
        clinic.sign("normal", "ab", "2468", reason="the lateral film is clear")
        wait_for(lambda: exported(kiosk)[0]["finding"] == "normal")
        assert (exported(kiosk)[0]["verdict"], exported(kiosk)[0]["reason"]) == (
            "disagree",
            "the lateral film is clear",
        )
        clinic.read("0412")
        wait_for(lambda: {"AB", "CD"} <= set(re.findall(r"\b[A-Z]{2}\b", clinic.text(".history"))))


def test_a_signature_is_taken_back_by_its_reader_alone_and_a_draft_is_discarded(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        enrol(kiosk, "AB", "CD")
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("bacterial", 6), label="0412")
        clinic.read("0412")
        assert not clinic.count("#kiosk-back"), "there is nothing to take back"
        clinic.sign("viral", "ab", "2468")
        wait_for(lambda: exported(kiosk)[0]["status"] == "signed")
        clinic.read("0412")
        for initials, answer in (("cd", "AB signed it"), ("ab", "")):
            clinic.write("#kiosk-reason :is(input, textarea)", "wrong child")
            clinic.write("#kiosk-initials :is(input, textarea)", initials)
            clinic.write("#kiosk-pin input", "2468")
            clinic.press("#kiosk-back")
            if answer:
                wait_for(lambda answer=answer: answer in clinic.text("#kiosk-message"))
        wait_for(lambda: exported(kiosk)[0]["status"] == "draft")
        wait_for(lambda: not clinic.count("#kiosk-back"))
        clinic.press("#kiosk-discard")
        wait_for(lambda: "Say why" in clinic.text("#kiosk-message"))
        clinic.write("#kiosk-reason :is(input, textarea)", "handed in twice")
        clinic.write("#kiosk-pin input", "2468")
        clinic.press("#kiosk-discard")
        wait_for(lambda: exported(kiosk)[0]["status"] == "discarded")
        clinic.press('button[data-room="hand_in"]')
        wait_for(lambda: clinic.queue() == [])


# A slow page: once the signature is on its way it draws nothing for a while, and then a click comes before the answer.
SLOW_THEN_PRESS = """
const [button, send] = [arguments[0], window.fetch];
window.fetch = (address, request) => {
  if (request?.body?.includes?.(arguments[1])) {
    window.fetch = send;
    setTimeout(() => {
      const end = Date.now() + 4000;
      while (Date.now() < end);
      window.shownAtPress = document.querySelector('.whose summary').textContent;
      document.querySelector(button).click();
    }, 0); // before any answer can be drawn
  }
  return send(address, request);
};
"""


@pytest.mark.parametrize("button", ["#kiosk-sign", "#kiosk-discard"])
def test_enter_and_a_click_before_the_page_moved_on_are_no_act_on_the_next_child(
    start_kiosk, browser, wait_for, films, button
):
    with start_kiosk() as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url)
        for seed, label in ((3, "ANNA"), (4, "BEN")):
            clinic.hand_in(films("viral", seed), label=label)
        clinic.read("ANNA")
        clinic.press("#kiosk-discard")  # shows the field for the reason
        clinic.see("#kiosk-reason")
        clinic.sign("viral", "ab", "1111", comment="ANNA's", reason="twice")
        wait_for(lambda: "wrong" in clinic.text("#kiosk-message"))
        browser.execute_script(SLOW_THEN_PRESS, button, '"2468"')
        clinic.write("#kiosk-pin input", "2468" + Keys.ENTER)
        wait_for(lambda: "BEN" in clinic.text(".whose"))
        settled(clinic, "return document.querySelector('#kiosk-message').textContent", 2)
        assert "ANNA" in browser.execute_script("return window.shownAtPress")
        assert {row["label"]: row["status"] for row in exported(kiosk)} == {"ANNA": "signed", "BEN": "draft"}
        assert "BEN" in clinic.text(".whose")
        assert clinic.ask("#kiosk-comment :is(input, textarea)", "e.value") == [""]
        assert button == "#kiosk-sign" or "Nothing was done" in clinic.text("#kiosk-message")
        clinic.sign("bacterial", "ab", "2468")
        wait_for(lambda: {row["status"] for row in exported(kiosk)} == {"signed"})


def test_a_film_that_cannot_be_seen_cannot_be_signed_until_it_is_read_again(start_kiosk, browser, wait_for, films):
    film = films("viral", 6)
    with start_kiosk() as kiosk:
        kiosk.ask("/films", film.read_bytes(), x_label="0412")
    with start_kiosk() as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.read("0412")
        wait_for(lambda: "no longer in memory" in clinic.text("#kiosk-viewer"))
        assert not clinic.count("#kiosk-sign")
        clinic.press('button[data-room="hand_in"]')
        clinic.add_films(film)
        wait_for(lambda: clinic.count(".queue .thumbnail[src]"))
        assert clinic.queue() == ["0412"], "the same film is the same record"
        clinic.read("0412")
        clinic.sign("viral", "ab", "2468")
        wait_for(lambda: [row["status"] for row in exported(kiosk)] == ["signed"])


def test_reader_is_asked_first_and_nothing_tells_the_answer(start_kiosk, browser, wait_for, films):
    with start_kiosk("--ask-first") as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url)
        for seed, label in enumerate(("normal", "bacterial", "viral")):
            clinic.hand_in(films(label, seed), label=f"040{seed}")
            time.sleep(1.1)  # the order is that of arrival, to the second
        wait_for(lambda: clinic.queue() == ["0400", "0401", "0402"])
        assert set(clinic.texts(".queue .pill")) == {"? Waits"}
        assert not re.search("clinician|No sign|threshold", clinic.text("#kiosk-outcome"))
        clinic.read("0401")
        clinic.see("button[data-finding]")
        assert clinic.ask(".film-viewer", "e.dataset.contour") == ["[]"]
        assert not re.search("Draft: |score", clinic.text("#kiosk-answer"))
        clinic.press('button[data-finding="viral"]')
        wait_for(lambda: "Draft: " in clinic.text("#kiosk-answer"))
        assert clinic.count('#kiosk-finding input[value="viral"]:checked'), "the impression is the first choice"
        clinic.sign("bacterial", "ab", "2468")
        wait_for(lambda: "signed" in {row["status"] for row in exported(kiosk)})
        [row] = [row for row in exported(kiosk) if row["status"] == "signed"]
        assert (row["own_impression"], row["finding"]) == ("viral", "bacterial")
        clinic.press('button[data-room="hand_in"]')
        clinic.hand_in(*(films(label, 20) for label in ("normal", "viral", "bacterial")), label="0500")
        with record_of(kiosk) as store:
            arrived = [(record.created_at, record.id) for record in store.records() if record.visit.label == "0500"]
        wait_for(lambda: clinic.count(".outcome .result") == 3)
        assert clinic.ask(".outcome .result", "e.dataset.id") == [one for _, one in sorted(arrived)]


def test_a_film_that_lies_on_its_side_is_turned_on_the_screen_and_scored_again(start_kiosk, browser, wait_for, films):
    film = films("viral", 9)
    Image.fromarray(np.rot90(np.asarray(Image.open(film)))).save(film)
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(film, label="0412")
        assert "sideways" in {film["code"] for film in _refusals(kiosk)}
        clinic.read("0412")
        clinic.press('.film-tools button[data-tool="rotate"]')
        clinic.press(".again")
        clinic.press('button[data-room="hand_in"]')
        wait_for(lambda: len(exported(kiosk)) == 1)
        clinic.read("0412")


def _refusals(kiosk) -> list[dict[str, str]]:
    from edge_app.records.intake import open_refused_films

    with record_of(kiosk) as store:
        return [vars(film) for film in open_refused_films(store)]


def test_films_of_a_watched_folder_appear_by_themselves_also_those_without_an_answer(
    start_kiosk, browser, wait_for, films, tmp_path
):
    folder = tmp_path / "in"
    folder.mkdir()
    with start_kiosk("--watch", str(folder)) as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        wait_for(lambda: "No draft is waiting" in clinic.text("#kiosk-list"))
        (folder / "IM0001.png").write_bytes(phantom_png("viral", 2, BIG))
        (folder / "IM0002.png").write_bytes(b"\x89PNG cut short")
        wait_for(lambda: clinic.count(".queue .case") == 2)
        assert "IM000" not in browser.page_source
        refused = clinic.ask(".queue section:nth-of-type(2) .case", "e.dataset.id")[0]
        clinic.press(f'.queue .case[data-id="{refused}"]')
        shown = "return document.querySelector('#kiosk-shown :is(input, textarea)').value"
        wait_for(lambda: browser.execute_script(shown).startswith(refused))  # sooner it would be no act on this film
        clinic.press(".seen-to")
        wait_for(lambda: clinic.count(".queue .case") == 1)


NAMELESS = """
const shown = (e) => e.getClientRects().length > 0;
const named = (e) => e.getAttribute('aria-label') || e.textContent.trim() || e.title ||
    [...(e.labels || [])].some((label) => label.textContent.trim());
return [...document.querySelectorAll('button, input, select, textarea, a, summary, [role=group], [role=toolbar]')]
    .filter((e) => shown(e) && !named(e)).map((e) => e.outerHTML.slice(0, 120));
"""
SMALL = """
return [...document.querySelectorAll('header button, header a, .case, #kiosk-review button, #kiosk-finding label,' +
    '.film-tools button, .drop, .seen-to')].filter((e) => e.getClientRects().length).map((e) => [e.className || e.id,
    e.getBoundingClientRect()]).filter(([, b]) => b.height < 43.5 || b.width < 43.5).map(([name]) => name);
"""


def test_controls_have_names_and_are_large_enough_and_few_before_the_signature(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url, (800, 480))
        clinic.hand_in(films("viral", 4), label="0412", age="2")
        for room in ("hand in", "read"):
            if room == "read":
                clinic.read("0412")
                clinic.see(".film-tools button")
            assert browser.execute_script(NAMELESS) == []
            assert browser.execute_script(SMALL) == []
        assert [clinic.count(tag) for tag in ("h1", "main")] == [1, 1]
        assert clinic.tab_stops_to(".film-stage", "#kiosk-sign") < 10


def test_draft_is_signed_with_the_keyboard_alone(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        enrol(kiosk, "KB")
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("viral", 5), label="0412")
        clinic.read("0412")
        keys = {"kiosk-finding": Keys.SPACE, "kiosk-initials": "kb", "kiosk-pin": "2468" + Keys.ENTER}
        clinic.browser.execute_script("document.querySelector('.film-stage').focus()")
        for _ in range(20):
            place = "return document.activeElement.closest('[id^=kiosk-]')?.id || ''"
            key = keys.pop(browser.execute_script(place), Keys.TAB)
            browser.switch_to.active_element.send_keys(key)
            if not keys:
                break
        wait_for(lambda: exported(kiosk)[0]["status"] == "signed")


def test_names_of_files_stay_in_the_browser(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("bacterial", 11, "a-name-that-must-not-stay.png"), label="0412")
        [row] = exported(kiosk)
        report = kiosk.ask(f"/report/{row['id']}")[1].decode()
        assert "must-not-stay" not in report + str(exported(kiosk)) + clinic.browser.page_source
        assert "must-not-stay" not in kiosk.log.read_text()


def test_regions_and_a_comment_are_signed_with_the_finding(start_kiosk, browser, wait_for, films):
    with start_kiosk() as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(films("bacterial", 12), label="0412")
        clinic.read("0412")
        clinic.press('.film-tools button[data-tool="region"]')
        box = settled(clinic, "const b = document.querySelector('.film-stage').getBoundingClientRect();"
                      "return [b.x + b.width / 2, b.y + b.height / 2]")  # fmt: skip
        for dx, dy in ((-60, -60), (40, 40)):
            for kind, more in (("mousePressed", 0), ("mouseMoved", 50), ("mouseReleased", 50)):
                at = {"x": box[0] + dx + more, "y": box[1] + dy + more, "button": "left", "clickCount": 1, "buttons": 1}
                browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **at})
        time.sleep(0.5)
        clinic.sign("bacterial", "ab", "2468", comment="two places")
        wait_for(lambda: exported(kiosk)[0]["status"] == "signed")
        [row] = exported(kiosk)
        assert row["comment"] == "two places"
        regions = [[float(end) for end in region.split()] for region in row["region"].split(";")]
        assert len(regions) == 2
        assert all(0 < left < right < 1 and 0 < top < bottom < 1 for left, top, right, bottom in regions)
        # An amendment begins with what was signed, also in a browser that never showed it.
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.read("0412")
        wait_for(lambda: clinic.count('#kiosk-finding input[value="bacterial"]:checked'))
        wait_for(lambda: clinic.count(".film-line .film-region") == 2)
        for field, text in (("reason", "a typing error"), ("initials", "ab"), ("pin", "2468")):
            clinic.write(f"#kiosk-{field} :is(input, textarea)", text)
        clinic.press("#kiosk-sign")
        wait_for(lambda: exported(kiosk)[0]["reason"] == "a typing error")
        kept = ("finding", "comment", "region")
        assert [exported(kiosk)[0][key] for key in kept] == [row[key] for key in kept]


def test_on_the_lan_a_reader_logs_in_adds_a_reader_signs_and_logs_out(start_kiosk, browser, wait_for, films, tmp_path):
    """By a host name, as a browser on the LAN does: Chromium trusts it less than a loopback address."""
    store = open_store(tmp_path / "home")
    add_reader(store, "RD", "2468")
    store.close()
    with start_kiosk("--lan", "--name", LAN_NAME) as kiosk:
        address = kiosk.url.replace("127.0.0.1", LAN_NAME)
        for pin in ("1111", "2468"):
            browser.get(address)
            for name, text in (("initials", "rd"), ("pin", pin)):
                browser.find_element(By.NAME, name).send_keys(text)
            leave(browser, browser.find_element(By.CSS_SELECTOR, "form[action=login] button").click)
            if pin == "1111":
                assert browser.find_elements(By.CSS_SELECTOR, "[role=alert]")
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "input.films"))
        clinic = Clinic(browser, wait_for, address)
        clinic.hand_in(films("bacterial", 12), label="0412")
        clinic.read("0412")
        clinic.sign("bacterial", "rd", "2468")
        wait_for(lambda: "0412" in clinic.text("#kiosk-message"))
        clinic.press('button[data-room="hand_in"]')
        [film] = wait_for(lambda: clinic.films_of("0412"))
        assert fetched(browser, f"/picture/{film}/full") == [200, False]
        leave(browser, lambda: clinic.press("header a[href=record]"))
        leave(browser, browser.find_element(By.CSS_SELECTOR, "a[href=setup]").click)
        for name, text in (("initials", "nw"), ("pin", "1357"), ("by_initials", "rd"), ("by_pin", "2468")):
            browser.find_element(By.CSS_SELECTOR, f"form[action=readers] [name={name}]").send_keys(text)
        leave(browser, browser.find_element(By.CSS_SELECTOR, "form[action=readers] button").click)
        assert "NW (reader)" in clinic.text("body")
        leave(browser, browser.find_element(By.CSS_SELECTOR, "form[action=logout] button").click)
        assert browser.find_elements(By.CSS_SELECTOR, "form[action=login]")
        assert fetched(browser, f"/picture/{film}/full") == [401, False]
        browser.get(address + "/record")
        assert browser.find_elements(By.CSS_SELECTOR, "form[action=login]")
