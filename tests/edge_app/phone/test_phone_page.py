"""The page as a nurse uses it, from a file and from a server that goes away, and what damage does to it."""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from phone_browser import Phone
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from tests_support import REPOSITORY

from edge_app.__main__ import main
from edge_app.errors import BundleError
from edge_app.imaging.phantom import PhantomStyle, phantom_png
from edge_app.kiosk.language import LANGUAGES, words
from edge_app.model.bundle import Bundle, read_bundle, sidecar_path
from edge_app.phone.build import MODULES, STATIC, Page, build_page
from edge_app.records.record import MAX_LABEL, Visit
from edge_app.workflow.phone_draft import read_phone_draft

STYLE = PhantomStyle(width_px=640, height_px=560)
MAX_BYTES = 500_000


def find(phone: Phone, selector: str) -> Any:
    return phone.chrome.find_element(By.CSS_SELECTOR, selector)


def hand_in(phone: Phone, folder: Path, content: bytes, name: str = "child.png") -> str:
    """Choose a file as a person does; the heading of its answer."""
    (folder / name).write_bytes(content)
    phone.chrome.execute_script("document.querySelector('#answer').replaceChildren()")
    find(phone, "#file").send_keys(str(folder / name))
    heading = "return document.querySelector('#answer h2')?.textContent"
    return str(phone.wait(lambda: phone.chrome.execute_script(heading)))


def in_view(phone: Phone, selector: str) -> bool:
    script = "const box = arguments[0].getBoundingClientRect(); return box.width > 0 && box.right <= innerWidth"
    return bool(phone.chrome.execute_script(script, find(phone, selector)))


@pytest.fixture
def pneumonia(phone: Phone) -> bytes:
    """A phantom that the shipped model calls pneumonia."""
    for seed in range(20):
        content = phantom_png("bacterial", seed, STYLE)
        if phone.answer(content).get("decision") == "pneumonia":
            return content
    raise AssertionError("no such phantom")


def test_a_film_goes_in_and_one_plain_line_comes_out_and_the_contour_on_request(phone, pneumonia, tmp_path):
    phone.requests()
    heading = hand_in(phone, tmp_path, pneumonia)
    assert words("en")["decision_pneumonia"] in heading
    assert words("en")["why_pneumonia"] in find(phone, "#answer").text
    assert find(phone, "#picture").is_displayed()
    assert not find(phone, "#contour").is_displayed(), "the film is shown without marks first"
    find(phone, "#where").click()
    assert find(phone, "#contour").is_displayed()
    assert all(in_view(phone, selector) for selector in ("#where", "#save", ".choose", "#picture", "#answer"))
    assert phone.requests() == []
    assert phone.chrome.execute_script("return [localStorage.length, document.cookie]") == [0, ""]


def test_a_refused_film_has_no_score_and_its_code(phone, tmp_path):
    heading = hand_in(phone, tmp_path, b"no film", "letter.txt")
    assert heading == words("en")["refused"]
    assert "not_an_image" in find(phone, "#answer").text
    assert not find(phone, "#film").is_displayed()


def test_an_age_out_of_range_takes_the_score_away(phone, pneumonia, tmp_path):
    hand_in(phone, tmp_path, pneumonia)
    find(phone, "#years").send_keys("40\n")
    phone.wait(lambda: "age_out_of_range" in find(phone, "#answer").text)
    assert not find(phone, "#where").is_displayed()


@pytest.mark.parametrize("age", [3, None])
def test_a_draft_is_saved_with_its_film_as_the_kiosk_reads_it(phone, pneumonia, tmp_path, bundle, age):
    hand_in(phone, tmp_path, pneumonia)
    if age:
        find(phone, "#years").send_keys(f"{age}\n")
        phone.wait(lambda: words("en")["warning_age_unknown"] not in find(phone, "#answer").text)
    assert (words("en")["warning_age_unknown"] in find(phone, "#answer").text) == (not age)
    find(phone, "#label").send_keys("0412")
    script = """
        const made = URL.createObjectURL;
        const saved = new Promise((done) => { URL.createObjectURL = (blob) => { done(blob); return made(blob); }; });
        document.querySelector("#save").click();
        await saved;
        URL.createObjectURL = made;
        return (await saved).text();"""
    content = phone.run(script)
    draft = json.loads(content)
    assert {"file", "status", "p_pneumonia", "lung_field", "warnings", "model", "film_sha256", "saved_at"} <= set(draft)
    assert ("age_unknown" in draft["warnings"]) == (not age)
    read = read_phone_draft(content.encode())
    assert (read.film, read.visit) == (pneumonia, Visit("0412", age))
    assert find(phone, "#label").get_attribute("maxlength") == str(MAX_LABEL)
    assert not find(phone, "#hand").is_displayed(), "this page has no kiosk"
    assert draft["model"] == {"name": bundle.card.name, "version": bundle.card.version, "sha256": bundle.sha256}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_fits_the_screen_and_no_text_is_missing(phone, pneumonia, tmp_path, language):
    hand_in(phone, tmp_path, pneumonia)
    Select(find(phone, "#language")).select_by_value(language)
    assert words(language)["decision_pneumonia"] in find(phone, "#answer").text
    root = "return [document.documentElement.dir, document.documentElement.scrollWidth <= innerWidth]"
    assert phone.chrome.execute_script(root) == [words(language)["direction"], True]
    shown = phone.chrome.execute_script(
        "return [...document.querySelectorAll('[data-say], dt')].filter((each) => !each.textContent).length"
    )
    assert shown == 0


def test_every_control_has_a_name_and_is_large_enough_for_a_thumb(phone, pneumonia, tmp_path):
    hand_in(phone, tmp_path, pneumonia)
    script = """return [...document.querySelectorAll("button, select, input")].filter((each) => {
        const box = (each.closest(".choose") ?? each).getBoundingClientRect();
        const name = each.getAttribute("aria-label") || each.textContent || each.labels?.[0]?.textContent;
        return box.width && (box.height < 44 || !name.trim()); }).map((each) => each.id)"""
    assert phone.chrome.execute_script(script) == []
    assert find(phone, "#picture").get_attribute("aria-label")


def test_the_page_says_draft_intended_use_model_and_hash(phone, bundle):
    phone.chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", find(phone, "summary"))
    find(phone, "summary").click()
    text = find(phone, "main").text
    for said in (bundle.card.intended_use, bundle.card.version, bundle.sha256, words("en")["draft_only"]):
        assert said in text


def test_the_whole_page_is_under_half_a_megabyte_and_every_module_is_in_it(built):
    assert len(built.files["index.html"]) < MAX_BYTES
    in_folder = {path.stem for path in STATIC.glob("*.js")} - {"sw"}
    assert set(MODULES) == in_folder


def damaged(built: Page, folder: Path, before: bytes, after: bytes) -> str:
    content = built.files["index.html"]
    assert content.count(before) >= 1
    (folder / "index.html").write_bytes(content.replace(before, after, 1))
    return (folder / "index.html").as_uri()


def test_a_damaged_bundle_is_refused_in_the_words_of_the_kiosk(phone, built, bundle, tmp_path):
    block = re.search(rb'id="bundle">(.{40})', built.files["index.html"])[1]
    start = block[:20] + bytes(reversed(block[20:40]))
    phone.open(damaged(built, tmp_path, block, start))
    assert not find(phone, "main").is_displayed()
    copy = tmp_path / bundle.path.name
    copy.write_bytes(b"")
    sidecar_path(copy).write_text(bundle.sha256)
    with pytest.raises(BundleError, match="copy both again") as wrong:
        read_bundle(copy)
    assert find(phone, "#failed").text == str(wrong.value)


def test_a_foreign_bundle_does_not_run(phone, built, bundle, tmp_path):
    phone.open(damaged(built, tmp_path, bundle.sha256.encode(), b"0" * 64))
    assert not find(phone, "main").is_displayed()
    assert phone.wait(find(phone, "#failed").is_displayed)


def test_a_changed_script_does_not_run(phone, built, tmp_path):
    phone.open(damaged(built, tmp_path, b"const SYMBOLS", b'fetch("http://127.0.0.1:9/"); const SYMBOLS'))
    assert phone.wait(find(phone, "#failed").is_displayed)
    assert phone.requests() == []


def test_a_page_that_was_broken_into_can_reach_nothing(phone, tmp_path):
    server = Server(tmp_path)
    script = """
        const [address] = arguments, frame = document.createElement("iframe");
        fetch(address).catch(() => 0);
        new Image().src = address;
        navigator.sendBeacon(address, "film");
        frame.src = address;
        document.body.append(frame);
        return new Promise((done) => setTimeout(done, 500))"""
    phone.chrome.execute_script(script, server.url)
    server.stop()
    assert server.asked == []
    phone.chrome.execute_script("document.querySelector('iframe').remove()")


def test_a_bundle_without_a_locator_is_refused_when_the_page_is_built(bundle):
    old = Bundle(bundle.path, bundle.content, bundle.sha256, bundle.card, bundle.golden, None)
    with pytest.raises(BundleError, match="format 1"):
        build_page(old)


def test_the_command_writes_the_page_and_says_where(tmp_path, capsys):
    assert main(["web", "--out", str(tmp_path / "phone"), "--data-dir", str(tmp_path)]) == 0
    assert str(tmp_path / "phone" / "index.html") in capsys.readouterr().out
    written = {path.name for path in (tmp_path / "phone").iterdir()}
    assert written == {"index.html", "sw.js", "manifest.webmanifest", "icon.svg"}


class Server:
    """The page's folder on a port of this machine."""

    def __init__(self, folder: Path) -> None:
        self.asked = asked = list[str]()

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                asked.append(self.path)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def served(page_file: Path, tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    folder = tmp_path / "served"
    folder.mkdir()
    for path in page_file.parent.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    server = Server(folder)
    yield server, folder
    server.stop()


ACTIVE = "return navigator.serviceWorker.ready.then(() => caches.keys())"


def test_an_installed_page_starts_without_a_server_and_takes_no_wrong_update(phone, served, pneumonia, tmp_path):
    server, folder = served
    phone.open(server.url)
    (kept,) = phone.chrome.execute_script(ACTIVE)
    worker = folder / "sw.js"
    worker.write_text(worker.read_text().replace(kept.removeprefix("cxr-phone-"), "0" * 64))
    phone.chrome.execute_script("return navigator.serviceWorker.ready.then((it) => it.update()).catch(() => 0)")
    phone.chrome.execute_script("return new Promise((done) => setTimeout(done, 500))")
    assert phone.chrome.execute_script(ACTIVE) == [kept]
    server.stop()
    phone.open(server.url)
    assert words("en")["decision_pneumonia"] in hand_in(phone, tmp_path, pneumonia)


def test_the_guide_gives_the_figures_that_were_measured():
    figures = json.loads((REPOSITORY / "docs/evidence/phone.json").read_text())
    guide = (REPOSITORY / "docs/guide/phone.md").read_text()
    for said in (
        "{films} real films",
        "In {films_with_another_pixel_output_or_decision} of those films",
        "{page_kb} kB",
        "{slower_times} times slower | {first_answer_s} s",
        "later answers | {later_answer_s} s",
        "{peak_mb} MB",
    ):
        assert said.format(**figures) in " ".join(guide.split())
