"""The page as a nurse uses it, from a file and from a server that goes away, and what damage does to it."""

import http.server
import io
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dicom_files import picture_bytes
from phone_browser import Phone
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from tests_support import REPOSITORY

from edge_app.__main__ import main
from edge_app.errors import BundleError
from edge_app.imaging.phantom import PhantomStyle, phantom_png
from edge_app.kiosk.language import LANGUAGES, words
from edge_app.model.bundle import Bundle, read_bundle, sidecar_path
from edge_app.phone.build import MODULES, NAMESPACE, STATIC, Page, build_page
from edge_app.records.record import MAX_LABEL, Visit
from edge_app.system.files import sha256_of
from edge_app.system.signing import Signer, make_key, read_signer
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


def tap(phone: Phone, selector: str) -> None:
    """Touch the middle of an element."""
    script = "const box = arguments[0].getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
    x, y = phone.chrome.execute_script(script, find(phone, selector))
    for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
        phone.chrome.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def type_age(phone: Phone, text: str) -> None:
    """Type it over what the field says, without Enter."""
    find(phone, "#years").send_keys(Keys.CONTROL, "a", Keys.NULL, text)


@pytest.fixture
def saved(phone: Phone, tmp_path: Path) -> Any:
    """`saved()`: the drafts that the page saved in this test."""
    folder = tmp_path / "saved"
    folder.mkdir()
    where = {"behavior": "allow", "downloadPath": str(folder)}
    phone.chrome.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    return lambda: [json.loads(path.read_text()) for path in folder.glob("draft-*.json")]


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


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_film_is_shown_sharper_than_the_model_needs_it(phone, pneumonia, tmp_path, kind):
    large = Image.open(io.BytesIO(pneumonia)).resize((2048, 1792))
    hand_in(phone, tmp_path, picture_bytes(large, kind), f"child.{kind.lower()}")
    for canvas, least in (("#picture", 1000), ("#contour", 700)):
        element = find(phone, canvas)
        phone.wait(lambda element=element, least=least: int(element.get_attribute("width")) >= least)


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


@pytest.mark.parametrize(("typed", "age"), [("9", 9), ("٣", 3), ("५", 5)])
def test_an_age_that_is_typed_just_before_the_tap_is_in_the_draft(phone, pneumonia, tmp_path, saved, typed, age):
    hand_in(phone, tmp_path, pneumonia)
    type_age(phone, typed)
    tap(phone, "#save")
    (draft,) = phone.wait(saved)
    assert (draft["age_years"], "p_pneumonia" in draft) == (age, age <= 5), "the film was read with the age"
    assert "age_unknown" not in draft.get("warnings", ())
    assert [find(phone, selector).is_enabled() for selector in ("#save", "#hand")] == [True, True]


@pytest.mark.parametrize("typed", ["1.5", "2,5", "0,5", "12-", "3e", "121"])
def test_an_age_that_is_no_whole_number_of_years_is_refused_in_words_and_nothing_is_saved(
    phone, pneumonia, tmp_path, saved, typed
):
    hand_in(phone, tmp_path, pneumonia)
    type_age(phone, typed)
    tap(phone, "#save")
    assert phone.wait(lambda: "whole years" in find(phone, "#visit").text)
    assert find(phone, "#years").get_attribute("value") == typed, "nothing is dropped while somebody types"
    phone.wait(find(phone, "#save").is_enabled)
    assert saved() == []
    type_age(phone, "2")
    tap(phone, "#save")
    (draft,) = phone.wait(saved)
    assert draft["age_years"] == 2
    assert "whole years" not in find(phone, "#visit").text


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
    assert words(language)["point_balanced"] in find(phone, "#answer").text
    assert find(phone, "html").get_attribute("dir") == words(language)["direction"]
    type_age(phone, "1,5\n")
    own = json.loads((STATIC.parent / "locales" / f"{language}.json").read_text(encoding="utf-8"))
    assert phone.wait(lambda: own["phone_no_age"] in find(phone, "#visit").text)
    outside = """return [...document.querySelectorAll("body *")].filter((each) => {
        const { left, right, width } = each.getBoundingClientRect();
        return width > 1 && (left < 0 || right > innerWidth); }).map((each) => each.outerHTML.slice(0, 80))"""
    for _ in range(3):  # also in larger text, then again in the first size
        assert phone.chrome.execute_script(outside) == []
        find(phone, "#larger").click()
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


def refused_by_the_kiosk(content: bytes, bundle: Bundle, folder: Path) -> str:
    """What the kiosk says of a file that lies in the place of a bundle."""
    copy = folder / bundle.path.name
    copy.write_bytes(content)
    sidecar_path(copy).write_text(bundle.sha256)
    with pytest.raises(BundleError, match="copy both again") as wrong:
        read_bundle(copy)
    return str(wrong.value)


def test_a_damaged_bundle_is_refused_in_the_words_of_the_kiosk(phone, built, bundle, tmp_path):
    block = re.search(rb'id="bundle">(.{40})', built.files["index.html"])[1]
    start = block[:20] + bytes(reversed(block[20:40]))
    phone.open(damaged(built, tmp_path, block, start))
    assert not find(phone, "main").is_displayed()
    assert find(phone, "#failed").text == refused_by_the_kiosk(b"", bundle, tmp_path)


def test_a_foreign_bundle_does_not_run_and_is_refused_in_the_words_of_the_kiosk(phone, built, bundle, tmp_path):
    foreign = replace(bundle, content=bundle.content + bytes(1))
    block = re.compile(rb'(?<=id="bundle">).*?(?=</script>)')
    (other,) = block.findall(build_page(foreign).files["index.html"])
    page = tmp_path / "index.html"
    page.write_bytes(block.sub(lambda _: other, built.files["index.html"]))
    phone.open(page.as_uri())
    assert not find(phone, "main").is_displayed()
    assert find(phone, "#failed").text == refused_by_the_kiosk(foreign.content, bundle, tmp_path)


def test_a_page_whose_hash_of_the_bundle_was_changed_does_not_run(phone, built, bundle, tmp_path):
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


@pytest.mark.parametrize("what", ["locator", "features", "finding"])
def test_a_bundle_that_the_page_cannot_run_is_refused_when_it_is_built(bundle, what):
    """Of format 1, without statistics of its training films, and of other classes."""
    cards = {"features": {"features": None}, "finding": {"finding": "effusion"}}
    card = replace(bundle.card, **cards.get(what, {}))
    unfit = replace(bundle, card=card, **({"locator": None} if what == "locator" else {}))
    with pytest.raises(BundleError, match="format 1"):
        build_page(unfit)


def test_the_command_writes_the_page_and_says_where(tmp_path, capsys):
    assert main(["web", "--out", str(tmp_path / "phone"), "--data-dir", str(tmp_path)]) == 0
    assert str(tmp_path / "phone" / "index.html") in capsys.readouterr().out
    written = {path.name for path in (tmp_path / "phone").iterdir()}
    assert written == {"index.html", "sw.js", "update.json", "manifest.webmanifest", "icon.svg"}


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


KEPT = """return navigator.serviceWorker.ready.then(() => caches.open("cxr-phone"))
    .then((cache) => cache.match("./")).then((page) => page.text())"""


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """Two keys: the clinic's and a foreign one."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("own", "foreign"):
        make_key(folder / name)
    return {name: read_signer(folder / name, NAMESPACE) for name in ("own", "foreign")}


class Installed:
    """A page that was installed from a server, which may offer others later."""

    def __init__(self, phone: Phone, folder: Path, first: Page) -> None:
        self.phone, self.folder = phone, folder
        self.offer(first)
        self.server = Server(folder)
        phone.open(self.server.url)
        phone.wait(lambda: self.kept() == self.offered(), 20)

    def offer(self, page: Page, **changed: bytes) -> None:
        page.write(self.folder)
        for name, content in changed.items():
            (self.folder / name.replace("_", ".")).write_bytes(content)

    def offered(self) -> str:
        return (self.folder / "index.html").read_text()

    def kept(self) -> str:
        return str(self.phone.chrome.execute_script(KEPT))

    def start_again(self) -> None:
        """As a person does; returns once the worker has looked for another page."""
        asked = len(self.server.asked)
        self.phone.open(self.server.url)
        self.phone.wait(lambda: any("update.json" in path for path in self.server.asked[asked:]))
        self.phone.chrome.execute_script("return new Promise((done) => setTimeout(done, 700))")


@pytest.fixture
def install(phone: Phone, tmp_path: Path) -> Iterator[Any]:
    """`install(page)`: install it from a new server; only one at a time."""
    opened = list[Installed]()

    def begin(page: Page) -> Installed:
        opened.append(Installed(phone, tmp_path / "served", page))
        return opened[-1]

    yield begin
    for each in opened:
        each.server.stop()


@pytest.fixture(scope="module")
def versions(bundle: Bundle, signers: dict[str, Signer]) -> dict[str, Page]:
    """Pages at two thresholds, so that they differ, by whose key signed them."""
    first, second = list(bundle.card.operating_points)[:2]
    return {
        "old": build_page(bundle, first, signers["own"]),
        "new": build_page(bundle, second, signers["own"]),
        "foreign": build_page(bundle, second, signers["foreign"]),
        "unsigned old": build_page(bundle, first),
        "unsigned": build_page(bundle, second),
    }


def test_an_installed_page_starts_without_a_server_and_takes_a_signed_update(
    phone, install, versions, pneumonia, tmp_path
):
    installed = install(versions["old"])
    old = installed.kept()
    installed.start_again()
    assert installed.kept() == old
    installed.offer(versions["new"])
    installed.start_again()
    phone.wait(lambda: installed.kept() == installed.offered() != old)
    installed.server.stop()
    phone.open(installed.server.url)
    assert words("en")["decision_pneumonia"] in hand_in(phone, tmp_path, pneumonia)


def changed_byte(page: bytes) -> bytes:
    return page.replace(b"Chest film reader</h1>", b"Chest film Reader</h1>")


def update_of(page: bytes, signature: str) -> bytes:
    return json.dumps({"sha256": sha256_of(page), "signature": signature}).encode()


def wrong_updates(versions: dict[str, Page]) -> dict[str, tuple[Page, dict[str, bytes]]]:
    """What a server may offer that must not be taken."""
    new, foreign = versions["new"], versions["foreign"].files
    page, named = new.files["index.html"], json.loads(new.files["update.json"])
    damaged, own = changed_byte(page), named["signature"]
    stranger = json.loads(foreign["update.json"])["signature"]
    return {
        "a changed byte": (new, {"index_html": damaged}),
        "a changed byte and its hash": (new, {"index_html": damaged, "update_json": update_of(damaged, own)}),
        "another hash": (new, {"update_json": update_of(damaged, own)}),
        "a wrong signature": (new, {"update_json": update_of(page, own[:-4] + "AA==")}),
        "no signature": (versions["unsigned"], {}),
        "a foreign key": (versions["foreign"], {}),
        "a foreign signature": (new, {"update_json": update_of(page, stranger)}),
        "no base 64": (new, {"update_json": update_of(page, "???")}),
        "no JSON": (new, {"update_json": b"<html>Log in"}),
        "another worker": (versions["foreign"], {"sw_js": new.files["sw.js"] + b"// a later version of the kit"}),
    }


def test_no_wrong_update_is_taken_and_the_old_page_goes_on(phone, install, versions, pneumonia, tmp_path):
    installed = install(versions["old"])
    old = installed.kept()
    for what, (page, changed) in wrong_updates(versions).items():
        installed.offer(page, **changed)
        installed.start_again()
        if "sw_js" in changed:
            phone.chrome.execute_script("return navigator.serviceWorker.ready.then((it) => it.update()).catch(() => 0)")
            phone.chrome.execute_script("return new Promise((done) => setTimeout(done, 700))")
        assert installed.kept() == old, what
    assert words("en")["decision_pneumonia"] in hand_in(phone, tmp_path, pneumonia)


def test_a_page_without_a_key_takes_no_update_and_says_so(phone, install, versions):
    installed = install(versions["unsigned old"])
    old = installed.kept()
    for page in ("unsigned", "new"):
        installed.offer(versions[page])
        installed.start_again()
        assert installed.kept() == old
    assert "takes none by itself" in phone.chrome.execute_script("return document.querySelector('#facts').textContent")


def test_the_guide_gives_the_figures_that_were_measured():
    figures = json.loads((REPOSITORY / "docs/evidence/phone.json").read_text())
    guide = (REPOSITORY / "docs/guide/phone.md").read_text()
    for said in (
        "{films} real films",
        "In {films_with_another_pixel_output_or_decision} of those films",
        "{page_kb} kB",
        "Firefox {firefox} every kind of file and {firefox_films} real films",
        "{slower_times} times slower | {first_answer_s} s",
        "later answers | {later_answer_s} s",
        "{peak_mb} MB",
    ):
        assert said.format(**figures) in " ".join(guide.split())
