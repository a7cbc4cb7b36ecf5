"""The page for a phone, as the kiosk serves it."""

import json
from pathlib import Path
from typing import Any

import pytest
from clinic import Clinic
from selenium.webdriver.common.by import By

from edge_app.imaging.phantom import PhantomStyle, phantom_png
from edge_app.kiosk.routes.phone import KEY_FILE, own_signer
from edge_app.records.database import open_store
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
    find(browser, "#years").send_keys(f"{age}\n")
    wait_for(lambda: "not known" not in find(browser, "#answer").text and find(browser, "#hand").is_displayed())


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


def test_on_a_lan_a_film_is_handed_in_only_by_who_is_logged_in(start_kiosk, browser, wait_for, film, tmp_path):
    store = open_store(tmp_path / "home")
    add_reader(store, "AB", "13579")
    with start_kiosk("--lan") as kiosk:
        browser.get(f"{kiosk.url}/phone/")
        for name, text in (("initials", "AB"), ("pin", "13579\n")):
            find(browser, f'input[name="{name}"]').send_keys(text)
        wait_for(lambda: not browser.find_elements(By.CSS_SELECTOR, 'input[name="pin"]'))
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
