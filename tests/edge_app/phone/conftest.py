"""The page for a phone in a real browser: 390 x 844 points, touch, from a file, every host unresolvable."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from phone_browser import Phone

from edge_app.model.bundle import Bundle, read_bundle, shipped_bundle_path
from edge_app.phone.build import Page, build_page

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync", "--lang=en",
    "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
SCREEN = {"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2, "touch": True}}


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
