"""The page for a phone, as the kiosk serves it."""

import json
from pathlib import Path
from typing import Any

import pytest
from clinic import Clinic, record_of
from selenium.webdriver.common.by import By
from starlette.datastructures import URL
from tests_support import LAN_NAME

from edge_app.imaging.phantom import PhantomStyle, phantom_png
from edge_app.kiosk.phone_address import phone_address
from edge_app.kiosk.routes.phone import KEY_FILE, own_signer
from edge_app.records.database import open_store
from edge_app.records.intake import open_refused_films
from edge_app.records.readers import add_reader
from edge_app.records.record import Record
from edge_app.system.signing import ed25519_of

STYLE = PhantomStyle(width_px=640, height_px=560)


def find(browser: Any, selector: str) -> Any:
    return browser.find_element(By.CSS_SELECTOR, selector)


def read_on_phone(browser: Any, wait_for: Any, url: str, film: Path, age: str, label: str) -> None:
    """Open the kiosk's page for a phone, choose a film, and say whose it is."""
    browser.get(f"{url}/phone/")
    wait_for(lambda: browser.execute_script("return !document.querySelector('#failed, main[hidden]')"))
    find(browser, "#file").send_keys(str(film))
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#answer h2"))
    find(browser, "#label").send_keys(label)
    find(browser, "#years").send_keys(f"{age}\n" if age else "")
    wait_for(lambda: ("not known" in find(browser, "#answer").text) == (not age))
    wait_for(find(browser, "#hand").is_displayed)


def only_record(home: Path) -> Record:
    store = open_store(home)
    (record,) = store.records()
    store.close()
    return record


@pytest.fixture
def film(tmp_path) -> Path:
    path = tmp_path / "child.png"
    path.write_bytes(phantom_png("bacterial", 5, STYLE))
    return path


@pytest.mark.parametrize("age", ["3", ""])
def test_the_kiosk_offers_the_page_for_a_phone_which_answers_as_the_kiosk_does(kiosk, browser, wait_for, age):
    film = phantom_png("bacterial", 3 if age else 4, STYLE)
    status, _, headers = kiosk.ask("/phone/sw.js")
    assert status == 200
    assert "javascript" in headers["content-type"]
    assert kiosk.ask("/phone/rules.py")[0] == 404
    assert json.loads(kiosk.ask("/phone/update.json")[1])["signature"]

    browser.get(kiosk.url + "/phone/")
    wait_for(lambda: browser.execute_script("return window.phone && !document.querySelector('#failed')"))
    script = """
        const [film, age] = arguments, bytes = Uint8Array.from(film, (each) => each);
        return phone.answer(bytes, age && Number(age)).then(({ json }) => json)"""
    said = browser.execute_script(script, list(film), age or None)
    expected = json.loads(kiosk.ask("/films", film, x_age_years=age)[1])
    for name in ("decision", "label", "threshold", "lung_field", "warnings", "model"):
        assert said[name] == expected[name]
    assert ("age_unknown" in said["warnings"]) == (not age)


def test_a_file_that_a_phone_saved_becomes_a_record_with_its_label_and_age(
    start_kiosk, browser, wait_for, film, tmp_path
):
    with start_kiosk() as kiosk:
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
        read_on_phone(browser, wait_for, kiosk.url, film, "3", "0412")
        find(browser, "#save").click()
        (saved,) = wait_for(lambda: list(tmp_path.glob("draft-*.json")))
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.hand_in(saved)
        assert "0412" in clinic.text(".queue")
        assert "from a phone" in clinic.text(".queue")
        record = only_record(kiosk.home)
        assert (record.visit.label, record.visit.age_years, record.source) == ("0412", 3.0, "phone")
        assert not {"phone_other_model", "phone_other_answer", "age_unknown"} & set(record.warnings)
        status, page, _ = kiosk.ask(f"/report/{record.id}")
        assert status == 200
        assert b"0412" in page


def test_a_film_is_handed_to_the_kiosk_from_its_own_page(start_kiosk, browser, wait_for, film):
    with start_kiosk() as kiosk:
        read_on_phone(browser, wait_for, kiosk.url, film, "4", "0413")
        find(browser, "#hand").click()
        text = wait_for(lambda: find(browser, "#handed").text)
        record = only_record(kiosk.home)
        assert record.id in text
        assert (record.visit.label, record.visit.age_years) == ("0413", 4.0)
        find(browser, "#hand").click()
        wait_for(lambda: "read before" in find(browser, "#handed").text)
    find(browser, "#hand").click()
    wait_for(lambda: "does not answer" in find(browser, "#handed").text)


def test_an_age_that_is_typed_just_before_the_film_is_handed_over_goes_with_it(start_kiosk, browser, wait_for, film):
    """An older child's film, which must not become a scored draft without an age."""
    with start_kiosk() as kiosk:
        read_on_phone(browser, wait_for, kiosk.url, film, "", "0415")
        find(browser, "#years").send_keys("9")
        find(browser, "#hand").click()
        wait_for(lambda: find(browser, "#handed").text)
        with record_of(kiosk) as store:
            assert store.records() == []
            assert [refused.code for refused in open_refused_films(store)] == ["age_out_of_range"]
            assert [refused.visit.age_years for refused in open_refused_films(store)] == [9.0]


def logged_in(browser: Any, wait_for: Any, address: str) -> None:
    browser.get(address)
    for name, text in (("initials", "AB"), ("pin", "13579\n")):
        find(browser, f'input[name="{name}"]').send_keys(text)
    wait_for(lambda: not browser.find_elements(By.CSS_SELECTOR, 'input[name="pin"]'))


def test_on_a_lan_a_film_is_handed_in_only_by_who_is_logged_in(start_kiosk, browser, wait_for, film, tmp_path):
    store = open_store(tmp_path / "home")
    add_reader(store, "AB", "13579")
    with start_kiosk("--lan") as kiosk:
        logged_in(browser, wait_for, f"{kiosk.url}/phone/")
        assert browser.current_url == f"{kiosk.url}/phone/"
        read_on_phone(browser, wait_for, kiosk.url, film, "3", "0414")
        manifest = browser.execute_cdp_cmd("Page.getAppManifest", {})
        assert "standalone" in manifest["data"], "no phone could install it"
        browser.delete_all_cookies()
        find(browser, "#hand").click()
        link = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, '#handed a[href$="/login"]'))[0]
        assert link.is_displayed()
        assert store.records() == []
    store.close()


def test_a_kiosk_signs_with_the_same_key_after_a_restart_and_without_one_still_offers_the_page(tmp_path, caplog):
    first, second = (ed25519_of(own_signer(tmp_path)(b""))[0] for _ in range(2))
    assert first == second
    (tmp_path / KEY_FILE).write_text("no key")
    assert own_signer(tmp_path) is None
    assert "take no updates" in caplog.text


def test_the_set_up_page_of_a_kiosk_on_the_lan_shows_phones_the_way(start_kiosk, browser, wait_for, tls_options):
    segno = pytest.importorskip("segno", reason="segno is not installed: pip install -e .[edge]")
    with start_kiosk("--lan", "--name", LAN_NAME) as kiosk:
        logged_in(browser, wait_for, f"{kiosk.url}/setup")
        browser.get(f"{kiosk.url}/setup")
        address = f"http://{LAN_NAME}:{kiosk.url.rpartition(':')[2]}/phone/"
        code = find(browser, "#on_a_phone svg")
        assert code.get_attribute("textContent") == find(browser, "#on_a_phone kbd").text == address
        modules = {len(row) for row in segno.make(address, micro=False, error="m").matrix}
        assert code.size["width"] == code.size["height"] == 5 * (modules.pop() + 8)
        browser.get(address)
        assert "/login" in browser.current_url


@pytest.mark.parametrize(
    ("asked", "known_as", "address"),
    [
        ("https://10.0.0.3:7860/setup", "", "https://10.0.0.3:7860/phone/"),
        ("http://127.0.0.1:7860/setup", "kiosk.local", "http://kiosk.local:7860/phone/"),
        ("http://[fd00::1]:7860/setup", "", "http://[fd00::1]:7860/phone/"),
        ("http://localhost:7860/setup", "", "http://192.0.2.7:7860/phone/"),
    ],
)
def test_phones_are_told_an_address_that_is_not_their_own(monkeypatch, asked, known_as, address):
    monkeypatch.setattr("edge_app.kiosk.phone_address.own_addresses", lambda: ["127.0.0.1", "192.0.2.7"])
    assert phone_address(URL(asked), known_as) == address


def test_a_kiosk_that_no_phone_can_reach_shows_none(kiosk, monkeypatch):
    assert b"svg" not in kiosk.ask("/setup")[1]
    monkeypatch.setattr("edge_app.kiosk.phone_address.own_addresses", lambda: ["127.0.0.1"])
    assert phone_address(URL("http://127.0.0.1:7860/setup")) == ""
