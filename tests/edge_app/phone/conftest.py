"""The page for a phone in a real browser: 390 x 844 points, touch, from a file, every host unresolvable."""

import base64
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_app.model.bundle import Bundle, read_bundle, shipped_bundle_path
from edge_app.phone.build import Page, build_page

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync", "--lang=en",
    "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
SCREEN = {"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2, "touch": True}}


class Phone:
    """A phone's browser with the page open."""

    def __init__(self, chrome: Any) -> None:
        self.chrome = chrome

    def open(self, address: str) -> None:
        """Open a page and wait until it is ready, or says why it is not."""
        self.chrome.get("about:blank")
        self.chrome.get(address)
        self.wait(lambda: self.chrome.execute_script("return document.readyState") == "complete")
        self.chrome.execute_async_script(
            "const done = arguments[0]; (window.phone?.started ?? Promise.reject()).then(() => done(), () => done())"
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of an async function's body with the loaded reader as `reader`."""
        body = f"""const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);
            const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
            const text = (bytes) => btoa(Array.from(bytes, (each) => String.fromCharCode(each & 255)).join(""));
            phone.started.then(async (reader) => {{ {script} }}).then(done, (error) => done("failed: " + error))"""
        return self.chrome.execute_async_script(body, *arguments)

    def answer(self, content: bytes, age: float | None = None) -> dict[str, Any]:
        """The JSON for a film, with the hash of its pixels and the classifier's raw outputs."""
        script = """
            const { json, film, box } = await phone.answer(bytes(given[0]), given[1]);
            const seen = film && { pixels_sha256: phone.sha256(film.pixels), shape: [film.height, film.width] };
            return { ...json, ...seen, raw: box && reader.raw(film, box) };"""
        said: dict[str, Any] = self.run(script, base64.b64encode(content).decode(), age)
        assert isinstance(said, dict), said
        return said

    def wait(self, what: Callable[[], Any], limit_s: float = 60.0) -> Any:
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if value := what():
                return value
            time.sleep(0.05)
        raise AssertionError(f"not within {limit_s} s")

    def requests(self) -> list[str]:
        """Every address that the page asked for since the last call, other than its own file."""
        messages = (json.loads(entry["message"])["message"] for entry in self.chrome.get_log("performance"))
        asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith(("file:", "data:", "blob:", "about:"))]


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return read_bundle(shipped_bundle_path())


@pytest.fixture(scope="session")
def built(bundle: Bundle) -> Page:
    return build_page(bundle)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("chromium and chromedriver are not installed: apt-get install chromium chromium-driver")
    from selenium import webdriver

    with tempfile.TemporaryDirectory(prefix="cxr-phone-", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.add_experimental_option("mobileEmulation", SCREEN)
        options.add_experimental_option("prefs", {"download.default_directory": profile})
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        chrome.set_script_timeout(600)
        try:
            yield chrome
        finally:
            chrome.quit()


@pytest.fixture(scope="session")
def page_file(built: Page, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    built.write(folder)
    return folder / "index.html"


@pytest.fixture
def phone(browser: Any, page_file: Path) -> Phone:
    """The page, opened from its file, perhaps by an earlier test."""
    phone = Phone(browser)
    if browser.current_url != page_file.as_uri():
        phone.open(page_file.as_uri())
    return phone
