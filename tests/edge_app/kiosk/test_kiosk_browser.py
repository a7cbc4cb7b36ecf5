"""The page in a real browser: what a nurse sees."""

import io
import json
from urllib.parse import urlsplit

from PIL import Image, ImageChops
from selenium.webdriver.common.by import By

from edge_app.phantom import PhantomStyle, phantom_png

BIG = PhantomStyle(width_px=640, height_px=560)


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
    wait_for(lambda: len(browser.find_elements(By.CSS_SELECTOR, "button.slip")) >= len(paths))


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
    rows = browser.find_elements(By.CSS_SELECTOR, "button.slip")
    wait_for(lambda: all(film.name in " ".join(row.text for row in rows) for film in films))
    shown = browser.find_element(By.CSS_SELECTOR, "#kiosk-answer .score b").text
    assert int(shown) == max(int(row.find_element(By.CSS_SELECTOR, ".num").text) for row in rows)
