"""Records, report and set-up in a real browser: search, a report on one page, readers, back-up, model."""

import base64
import json
import re
import shutil

import pytest
from clinic import leave
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from edge_app.imaging.phantom import PhantomStyle, phantom_png
from edge_app.kiosk.language import LANGUAGES
from edge_app.model.bundle import shipped_bundle_path, sidecar_path
from edge_app.records import reviews
from edge_app.records.database import open_store
from edge_app.records.readers import add_reader
from edge_app.records.record import Signature, Visit

FILM = PhantomStyle(width_px=640, height_px=560)
ANSWER = ("▲", "◆", "●", "of 100", 'class="pneumonia', 'class="normal', 'class="uncertain')


def hand_in(kiosk, seed: int, label: str, **headers: str) -> str:
    """Read a film as the page does; returns the record's ID."""
    film = phantom_png("bacterial", seed, FILM)
    return json.loads(kiosk.ask("/films", film, x_label=label, x_age_years="3", x_sex="F", **headers)[1])["id"]


@pytest.fixture
def site(start_kiosk, tmp_path):
    """A kiosk with a reader AB, a technician TE, and an empty stick."""
    store = open_store(tmp_path / "home")
    add_reader(store, "AB", "13579")
    add_reader(store, "TE", "24680", role="technician")
    stick = tmp_path / "stick"
    stick.mkdir()
    with start_kiosk(environment={"CXR_EDGE_MEDIA": str(stick)}) as kiosk:
        yield kiosk, store, stick
    store.close()


def submit(browser, action: str, **fields: str) -> None:
    """Fill a form of the page in and send it."""
    form = browser.find_element(By.CSS_SELECTOR, f'form[action="{action}"]')
    browser.execute_script("for (let at = arguments[0]; at; at = at.parentElement) at.open = true", form)
    for name, text in fields.items():
        form.find_element(By.NAME, name).send_keys(text)
    leave(browser, form.find_element(By.CSS_SELECTOR, "button").click)


def text_of(browser, selector: str = "main") -> str:
    found = WebDriverWait(browser, 20).until(lambda page: page.find_elements(By.CSS_SELECTOR, selector))
    return found[0].text


def test_first_start_is_done_in_the_page(start_kiosk, browser):
    """A browser's own form, unlike one that is posted by hand, is where 0.3.0 refused every reader."""
    with start_kiosk() as kiosk:
        browser.get(f"{kiosk.url}/setup")
        assert text_of(browser, ".steps").count("To do") == 3  # language, name, reader
        submit(browser, "clinic", name="Kituo cha Afya & Uzazi")
        submit(browser, "readers", initials="rd", pin="2468")
        assert "RD (reader)" in text_of(browser)
        submit(browser, "readers", initials="te", pin="1357", role="technician", by_initials="rd", by_pin="9999")
        assert "wrong" in text_of(browser, "[role=alert]")
        submit(browser, "readers", initials="te", pin="1357", role="technician", by_initials="rd", by_pin="2468")
        assert "TE (technician)" in text_of(browser)
        submit(browser, "language", language="Français")
        assert text_of(browser, "html[lang=fr] h1")
        assert "À faire" not in text_of(browser, ".steps")
        assert "Kituo cha Afya & Uzazi" in text_of(browser, "header")


def test_a_child_is_found_by_number_finding_and_reader_and_a_refused_film_by_its_number(site, browser):
    kiosk, store, _ = site
    one, two = hand_in(kiosk, 1, "0412"), hand_in(kiosk, 2, "<i>0413</i>")
    kiosk.ask("/films", b"no film", x_label="0414")
    reviews.sign(store, Signature(one, "AB", "viral", comment="left"))

    def labels() -> list[str]:
        return [
            cell.text.partition(" · ")[0] for cell in browser.find_elements(By.CSS_SELECTOR, "tbody td:first-child")
        ]

    for text, found in (("041", ["0412", "0414", "<i>0413</i>"]), ("viral", ["0412"]), ("ab", ["0412"]), ("zz", [])):
        browser.get(f"{kiosk.url}/record")
        field = browser.find_element(By.NAME, "q")
        field.send_keys(text)
        leave(browser, field.submit)
        assert sorted(labels()) == found
    leave(browser, browser.find_element(By.LINK_TEXT, "Without an answer").click)
    assert labels() == []  # the search "zz" is kept
    browser.get(f"{kiosk.url}/record?show=refused&page=-3")
    assert labels() == ["0414"]
    assert "not a picture" in text_of(browser, "tbody") or "read" in text_of(browser, "tbody")
    browser.get(f"{kiosk.url}/record")
    leave(browser, browser.find_element(By.CSS_SELECTOR, f'a[href="report/{two}"]').click)
    assert "DRAFT" in text_of(browser)
    assert [len(browser.find_elements(By.TAG_NAME, name)) for name in ("main", "h1")] == [1, 1]


def test_report_says_what_the_record_is_and_prints_on_one_page(site, browser):
    kiosk, store, _ = site
    record_id = hand_in(kiosk, 3, "0412")
    nothing_final = "Nothing is final"
    browser.get(f"{kiosk.url}/report/{record_id}")
    assert nothing_final in text_of(browser)
    regions = ((0.1, 0.2, 0.3, 0.4), (0.5, 0.5, 0.7, 0.8))
    reviews.sign(store, Signature(record_id, "AB", "normal", own_impression="pneumonia", comment="No fever"))
    seen = store.record(record_id).version
    reviews.sign(store, Signature(record_id, "AB", "viral", seen, "", regions, "Both sides " * 40, "Second look " * 40))
    browser.get(f"{kiosk.url}/report/{record_id}")
    said = text_of(browser)
    assert [text for text in (nothing_final, "DRAFT") if text in said] == []
    for text in ("0412", "3 y, girl", "Final reading", "No fever", "Second look", "UTC", "compact"):
        assert text in said, text
    assert len(browser.find_elements(By.CSS_SELECTOR, ".mark")) == 2
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    reviews.withdraw(store, record_id, "AB", "wrong child", store.record(record_id).version)
    reviews.discard(store, record_id, "AB", "handed in twice", store.record(record_id).version)
    browser.get(f"{kiosk.url}/report/{record_id}")
    assert "DISCARDED by AB: handed in twice" in text_of(browser)
    assert nothing_final not in text_of(browser)
    reviews.name_visit(store, record_id, Visit("0413", 3.0), "page", store.record(record_id).version)
    browser.get(f"{kiosk.url}/report/{record_id}")
    assert "DISCARDED by AB: handed in twice" in text_of(browser)
    assert "0413" in text_of(browser, "h1")


def test_a_film_that_the_reader_could_not_use_does_not_make_the_draft_undecided(site):
    kiosk, store, _ = site
    record_id = hand_in(kiosk, 3, "0412")
    reviews.sign(store, Signature(record_id, "AB", "unusable"))
    page = kiosk.ask(f"/report/{record_id}")[1].decode()
    assert re.findall("Reader and draft</dt><dd>([^<]*)", page) == ["No comparison possible"]


def test_where_readers_are_asked_first_no_page_tells_the_answer_before_the_signature(start_kiosk):
    with start_kiosk("--ask-first") as kiosk:
        record_id = hand_in(kiosk, 3, "0412")
        for path in ("/record", "/record?q=0412", f"/report/{record_id}"):
            page = kiosk.ask(path)[1].decode().partition("</style>")[2]
            assert "0412" in page
            assert [text for text in ANSWER if text in page] == []
            assert "<polygon" not in page
        store = open_store(kiosk.home)
        reviews.sign(store, Signature(record_id, "AB", "normal", own_impression="normal"))
        store.close()
        assert "of 100" in kiosk.ask(f"/report/{record_id}")[1].decode()


def test_technician_writes_a_back_up_to_a_stick_and_nowhere_else(site, browser, tmp_path):
    kiosk, _, stick = site
    record_id = hand_in(kiosk, 4, "0412")
    browser.get(f"{kiosk.url}/setup")
    submit(browser, "back-up", initials="te", pin="0000")
    assert "wrong" in text_of(browser, "[role=alert]")
    assert list(stick.iterdir()) == []
    submit(browser, "back-up", initials="te", pin="24680")
    assert "on the stick" in text_of(browser, "[role=status]")
    [copy] = stick.iterdir()
    (tmp_path / "copy").mkdir()
    shutil.copy(copy, tmp_path / "copy" / "records.sqlite3")
    shutil.copy(kiosk.home / "audit.key", tmp_path / "copy")
    restored = open_store(tmp_path / "copy")
    assert restored.record(record_id) is not None
    restored.close()
    for elsewhere in (tmp_path, stick / "..", "/etc"):
        form = f"medium={elsewhere}&initials=TE&pin=24680"
        status, page, _ = kiosk.ask("/back-up", form.encode())
        assert (status, "stick is not there" in page.decode()) == (400, True)
    assert not list(tmp_path.glob("*.sqlite3"))


def test_model_is_installed_from_a_stick_and_rolled_back(site, browser):
    kiosk, store, stick = site
    shipped = shipped_bundle_path()
    browser.get(f"{kiosk.url}/setup")
    assert "No stick holds a model" in text_of(browser, "#model")
    for path in (shipped, sidecar_path(shipped)):
        shutil.copy(path, stick)
    (stick / "without-checksum.tflite").write_bytes(b"no model")
    browser.refresh()
    assert "without-checksum" not in text_of(browser, "#model")
    submit(browser, "model", initials="te", pin="24680")
    assert "Restart the kiosk" in text_of(browser, "[role=status]")
    current = (kiosk.home / "models" / "current").read_text().split()
    assert current[1] == "shipped"
    rollback = browser.find_elements(By.CSS_SELECTOR, 'form[action="model"]')[-1]
    browser.execute_script("arguments[0].parentElement.open = true", rollback)
    rollback.find_element(By.NAME, "initials").send_keys("te")
    rollback.find_element(By.NAME, "pin").send_keys("24680")
    leave(browser, rollback.find_element(By.CSS_SELECTOR, "button").click)
    assert (kiosk.home / "models" / "current").read_text().split() == ["shipped", current[0]]
    acts = [(entry.actor, entry.action) for entry in store.audit_log()]
    assert {("TE", "model installed"), ("TE", "model rolled back")} <= set(acts)


@pytest.mark.parametrize("path", ["record", "setup", "report"])
@pytest.mark.parametrize("size", [(800, 480), (390, 844)])
def test_pages_fit_the_screen_in_every_language_with_targets_of_44_px(site, browser, path, size):
    kiosk, _, _ = site
    record_id = hand_in(kiosk, 5, "0412")
    kiosk.ask("/films", b"no film", x_label="0414")
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    small = """return [...document.querySelectorAll('a, button, summary, input, select')].filter(
        (part) => part.offsetParent && part.getBoundingClientRect().height < 43.5).map((part) => part.outerHTML)"""
    for language in LANGUAGES:
        browser.get(f"{kiosk.url}/health")
        browser.add_cookie({"name": "cxr_language", "value": language})
        browser.get(f"{kiosk.url}/{path}{f'/{record_id}' if path == 'report' else ''}")
        # Not `innerWidth`, which grows with a page that is too wide.
        assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0], language
        assert browser.execute_script(small) == [], language


def test_wrong_pins_at_the_set_up_lock_nobody_out_of_signing(site):
    kiosk, store, _ = site
    for _ in range(6):
        status, page, _ = kiosk.ask("/clinic", b"name=X&initials=AB&pin=0000")
    assert (status, "wait" in page.decode()) == (400, True)
    from edge_app.records.readers import check_signer

    assert check_signer(store, "AB", "13579") == "AB"
