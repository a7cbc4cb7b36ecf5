"""The page in a real browser: what a nurse sees."""

import csv
import io
import json
from urllib.parse import urlsplit

from PIL import Image, ImageChops
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from tests_support import LAN_NAME

from edge_app.imaging.phantom import PhantomStyle, phantom_png
from edge_app.records.database import open_store
from edge_app.records.readers import add_reader

BIG = PhantomStyle(width_px=640, height_px=560)


def enrolled(kiosk, initials: str, pin: str) -> None:
    """Add a reader as `reviews add-reader` does."""
    store = open_store(kiosk.home)
    add_reader(store, initials, pin)
    store.close()


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


def hand_in(browser, wait_for, *paths) -> None:
    field = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".drop input.films"))[0]
    field.send_keys("\n".join(str(path) for path in paths))
    names = "return [...document.querySelectorAll('.case .name')].map((place) => place.textContent)"
    wait_for(lambda: {path.name for path in paths} <= set(browser.execute_script(names)))


def picture_of(browser, selector: str) -> Image.Image:
    return Image.open(io.BytesIO(browser.find_element(By.CSS_SELECTOR, selector).screenshot_as_png)).convert("RGB")


def test_film_goes_in_and_answer_and_heatmap_come_out(kiosk, browser, wait_for, tmp_path):
    film = tmp_path / "child.png"
    film.write_bytes(phantom_png("bacterial", 3, BIG))
    browser.get(kiosk.url)
    hand_in(browser, wait_for, film)

    answer = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .result"))[0]
    score = int(answer.find_element(By.CSS_SELECTOR, ".score b").text)
    _, said, _ = kiosk.ask("/films", film.read_bytes())
    assert score == round(100 * json.loads(said)["p_pneumonia"])
    page = browser.find_element(By.TAG_NAME, "body").text
    model = json.loads(said)["model"]
    assert f"{model['name']} {model['version']}" in page
    assert "Intended use" in page

    with_heat = picture_of(browser, ".mapped")
    slider = browser.find_element(By.CSS_SELECTOR, '[data-slide="opacity"]')
    browser.execute_script(
        "arguments[0].value = 0; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))", slider
    )
    without = picture_of(browser, ".mapped")
    assert ImageChops.difference(with_heat, without).getbbox(), "the strength slider changes nothing"
    assert without.getpixel((without.width // 2, without.height // 2))[0] > 0, "there is no film under the heatmap"


def test_page_asks_nothing_of_any_other_machine(kiosk, browser, wait_for, tmp_path):
    film = tmp_path / "child.png"
    film.write_bytes(phantom_png("viral", 4, BIG))
    browser.get(kiosk.url)
    hand_in(browser, wait_for, film)
    assert requested_hosts(browser) == {"127.0.0.1"}
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == [], "the page breaks its own content policy or misses a file"


def test_refused_film_shows_a_reason_and_no_score(kiosk, browser, wait_for, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"this is no picture")
    browser.get(kiosk.url)
    hand_in(browser, wait_for, broken)
    answer = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .refused"))[0]
    assert "not_an_image" in answer.text
    assert not browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .score")


def test_several_films_are_listed_by_their_names_and_the_worst_is_shown(kiosk, browser, wait_for, tmp_path):
    films = [tmp_path / f"{label}.png" for label in ("normal", "bacterial", "viral")]
    for seed, film in enumerate(films):
        film.write_bytes(phantom_png(film.stem, seed, BIG))
    browser.get(kiosk.url)
    hand_in(browser, wait_for, *films)
    scores = (
        "return [...document.querySelectorAll('ul.list:first-of-type .num')].slice(0, 3).map((n) => +n.textContent)"
    )
    shown = browser.find_element(By.CSS_SELECTOR, "#kiosk-answer .score b").text
    assert int(shown) == max(browser.execute_script(scores))


def sign(browser, wait_for, verdict: int, finding: int, initials: str, pin: str) -> None:
    """Fill the form by its places: agree, disagree, unsure; normal, pneumonia, ..."""
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-verdict label"))[verdict].click()
    browser.find_elements(By.CSS_SELECTOR, "#kiosk-finding label")[finding].click()
    name = browser.find_element(By.CSS_SELECTOR, "#kiosk-initials :is(input, textarea)")
    name.clear()
    name.send_keys(initials)
    browser.find_element(By.CSS_SELECTOR, "#kiosk-pin input").send_keys(pin)
    browser.find_element(By.CSS_SELECTOR, "#kiosk-sign").click()


def fill(browser, **fields: str) -> None:
    for name, text in fields.items():
        browser.find_element(By.NAME, name).send_keys(text)


def text_in(browser, selector: str) -> str:
    """The text of an element; empty while the page is being replaced by the next one."""
    try:
        return browser.find_element(By.CSS_SELECTOR, selector).text
    except (NoSuchElementException, StaleElementReferenceException):
        return ""


def test_first_reader_is_added_in_the_page_and_a_technician_by_that_reader(start_kiosk, browser, wait_for):
    """A browser's own form, unlike one that is posted by hand, is where 0.3.0 refused every reader."""
    with start_kiosk() as kiosk:
        browser.get(f"{kiosk.url}/record")
        assert "first reader" in browser.find_element(By.TAG_NAME, "body").text
        fill(browser, initials="rd", pin="2468")
        browser.find_element(By.CSS_SELECTOR, "form[action=readers] button").click()
        wait_for(lambda: "RD (reader)" in text_in(browser, "body"))

        fill(browser, initials="te", pin="1357", by_initials="rd", by_pin="9999")
        browser.find_element(By.CSS_SELECTOR, "form[action=readers] button").click()
        wait_for(lambda: "wrong" in text_in(browser, "[role=alert]"))
        fill(browser, initials="te", pin="1357", by_initials="rd", by_pin="2468")
        browser.find_element(By.CSS_SELECTOR, "option[value=technician]").click()
        browser.find_element(By.CSS_SELECTOR, "form[action=readers] button").click()
        wait_for(lambda: "TE (technician)" in text_in(browser, "body"))


def test_on_the_lan_a_reader_logs_in_adds_a_reader_signs_and_logs_out(start_kiosk, browser, wait_for, tmp_path):
    """By a host name, as a browser on the LAN does: Chromium trusts it less than a loopback address."""
    store = open_store(tmp_path / "home")
    add_reader(store, "RD", "2468")
    store.close()
    film = tmp_path / "child.png"
    film.write_bytes(phantom_png("bacterial", 12, BIG))
    with start_kiosk("--lan", "--name", LAN_NAME) as kiosk:
        browser.get(kiosk.url.replace("127.0.0.1", LAN_NAME))
        fill(browser, initials="rd", pin="1111")
        browser.find_element(By.CSS_SELECTOR, "form[action=login] button").click()
        wait_for(lambda: "wrong" in text_in(browser, "[role=alert]"))
        fill(browser, initials="rd", pin="2468")
        browser.find_element(By.CSS_SELECTOR, "form[action=login] button").click()
        hand_in(browser, wait_for, film)
        sign(browser, wait_for, 0, 2, "rd", "2468")
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .signed"))

        browser.find_element(By.CSS_SELECTOR, "a[href=record]").click()
        wait_for(lambda: browser.find_elements(By.NAME, "by_pin"))
        fill(browser, initials="nw", pin="1357", by_initials="rd", by_pin="2468")
        browser.find_element(By.CSS_SELECTOR, "form[action=readers] button").click()
        wait_for(lambda: "NW (reader)" in text_in(browser, "body"))
        browser.find_element(By.CSS_SELECTOR, "form[action=logout] button").click()
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "form[action=login]"))
        browser.get(kiosk.url.replace("127.0.0.1", LAN_NAME) + "/record")
        assert browser.find_elements(By.CSS_SELECTOR, "form[action=login]")


def test_film_to_sign_off_to_export_with_every_other_host_blocked(kiosk, browser, wait_for, tmp_path):
    enrolled(kiosk, "RD", "2468")
    film = tmp_path / "a-name-that-must-not-stay.png"
    film.write_bytes(phantom_png("bacterial", 11, BIG))
    browser.get(kiosk.url)
    hand_in(browser, wait_for, film)
    sign(browser, wait_for, 1, 0, "rd", "9999")
    wait_for(lambda: "wrong" in text_in(browser, "#kiosk-message"))
    drag_a_region(browser)
    sign(browser, wait_for, 1, 0, "rd", "2468")
    signed = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .signed"))[0]
    assert "Normal" in signed.text
    assert "RD" in signed.text

    record_id = browser.find_element(By.CSS_SELECTOR, ".answer").get_attribute("data-id")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(kiosk.ask("/export.csv")[1].decode()))}
    row = rows[record_id]
    assert (row["status"], row["verdict"], row["finding"], row["reader"]) == ("signed", "disagree", "normal", "RD")
    left, top, right, bottom = (float(end) for end in row["region"].split())
    assert 0 < left < right < 1
    assert 0 < top < bottom < 1
    assert rows[record_id]["id"] in {line["id"] for line in json.loads(kiosk.ask("/export.json")[1])}
    report = kiosk.ask(f"/report/{record_id}")[1].decode()
    assert "Final reading" in report
    assert "must-not-stay" not in report + str(rows)
    assert requested_hosts(browser) == {"127.0.0.1"}

    browser.find_element(By.CSS_SELECTOR, "#kiosk-pin input").send_keys("2468")
    browser.find_element(By.CSS_SELECTOR, "#kiosk-back").click()
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-verdict label"))
    assert "DRAFT" in kiosk.ask(f"/report/{record_id}")[1].decode()


def drag_a_region(browser) -> None:
    browser.find_element(By.CSS_SELECTOR, '[data-do="mark"]').click()
    film = browser.find_element(By.CSS_SELECTOR, ".mapped .move")
    ActionChains(browser).move_to_element_with_offset(film, -60, -50).click_and_hold().move_by_offset(
        90, 70
    ).release().perform()
    assert browser.find_element(By.CSS_SELECTOR, ".mark").is_displayed()


def test_reader_is_asked_first_and_the_answer_comes_after(start_kiosk, browser, wait_for, tmp_path):
    film = tmp_path / "child.png"
    film.write_bytes(phantom_png("viral", 6, BIG))
    with start_kiosk("--ask-first") as kiosk:
        browser.get(kiosk.url)
        hand_in(browser, wait_for, film)
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "button[data-finding]"))
        assert not browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .score, .heat")
        assert browser.find_element(By.CSS_SELECTOR, "button.case .num").text == "?"
        browser.find_element(By.CSS_SELECTOR, 'button[data-finding="viral"]').click()
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .score"))
        enrolled(kiosk, "RD", "2468")
        sign(browser, wait_for, 0, 3, "rd", "2468")
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .signed"))
        [row] = csv.DictReader(io.StringIO(kiosk.ask("/export.csv")[1].decode()))
        assert (row["own_impression"], row["finding"]) == ("viral", "viral")


def test_draft_of_an_earlier_run_waits_in_the_list_without_its_film(start_kiosk, browser, wait_for, tmp_path):
    with start_kiosk() as kiosk:
        draft = json.loads(kiosk.ask("/films", phantom_png("viral", 6, BIG))[1])
    with start_kiosk() as kiosk:
        browser.get(kiosk.url)
        row = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "button.case"))[0]
        assert draft["id"] in row.text
        row.click()
        wait_for(lambda: "no longer in memory" in text_in(browser, "#kiosk-viewer"))
        assert browser.find_element(By.CSS_SELECTOR, "#kiosk-answer .score b").text


def test_film_in_a_watched_folder_appears_in_the_list_by_itself(start_kiosk, browser, wait_for, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    with start_kiosk("--watch", str(folder)) as kiosk:
        browser.get(kiosk.url)
        wait_for(lambda: "No draft is waiting" in text_in(browser, "body"))
        (folder / "IM0001.png").write_bytes(phantom_png("viral", 2, BIG))
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "button.case"))
        assert "IM0001" not in browser.page_source


NAMELESS = """
const shown = (e) => e.getClientRects().length > 0;
const named = (e) => e.getAttribute('aria-label') || e.textContent.trim() || e.title ||
    [...(e.labels || [])].some((label) => label.textContent.trim());
return [...document.querySelectorAll('button, input, select, textarea, a, summary')]
    .filter((e) => shown(e) && !named(e)).map((e) => e.outerHTML.slice(0, 120));
"""


def test_every_control_has_a_name_for_screen_readers(kiosk, browser, wait_for, tmp_path):
    film = tmp_path / "child.png"
    film.write_bytes(phantom_png("viral", 4, BIG))
    browser.get(kiosk.url)
    hand_in(browser, wait_for, film)
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-sign"))
    assert browser.execute_script(NAMELESS) == []
    pictures = browser.find_elements(By.CSS_SELECTOR, "#kiosk-viewer img")
    assert pictures
    assert all(picture.get_attribute("alt") for picture in pictures)


def test_draft_is_signed_with_the_keyboard_alone(kiosk, browser, wait_for, tmp_path):
    enrolled(kiosk, "KB", "8642")
    film = tmp_path / "child.png"
    film.write_bytes(phantom_png("viral", 5, BIG))
    browser.get(kiosk.url)
    hand_in(browser, wait_for, film)
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-verdict input"))
    keys = {
        "kiosk-verdict": Keys.SPACE,
        "kiosk-finding": Keys.SPACE,
        "kiosk-initials": "kb",
        "kiosk-pin": "8642" + Keys.ENTER,
    }
    for _ in range(60):
        place = browser.execute_script("return document.activeElement.closest('[id^=kiosk-]')?.id || ''")
        if place in keys:
            ActionChains(browser).send_keys(keys.pop(place)).perform()
        if not keys:
            break
        ActionChains(browser).send_keys(Keys.TAB).perform()
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#kiosk-answer .signed"))
