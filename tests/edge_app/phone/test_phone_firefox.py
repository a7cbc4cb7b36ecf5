"""Another browser's engine gives the same answers: Firefox, where it is installed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from phone_browser import Phone
from test_phone_answers import compare, pictures, predictor  # noqa: F401 (a fixture)
from test_phone_measured import real_films, report

from edge_app.reading.predictor import Predictor

FILMS = 50

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def firefox(page_file: Path) -> Iterator[Phone]:
    """The page in Firefox, which may connect to nothing."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    driver = shutil.which("geckodriver")
    if not (program and driver):
        pytest.skip(
            "firefox-esr and geckodriver are not installed: apt-get install firefox-esr; cargo install geckodriver"
        )
    from selenium import webdriver

    options = webdriver.FirefoxOptions()
    options.binary_location = program
    options.add_argument("-headless")
    options.set_preference("network.proxy.type", 1)  # a proxy that does not exist
    options.set_preference("network.proxy.socks", "127.0.0.1")
    options.set_preference("network.proxy.socks_port", 9)
    with tempfile.TemporaryDirectory(prefix="cxr-firefox-", ignore_cleanup_errors=True) as folder:
        service = webdriver.FirefoxService(driver, log_output=str(Path(folder) / "log"))
        browser = webdriver.Firefox(options=options, service=service)
        browser.set_script_timeout(600)
        try:
            phone = Phone(browser)
            phone.open(page_file.as_uri())
            yield phone
        finally:
            browser.quit()


def test_firefox_gives_the_answer_of_predict_on_every_kind_of_file(firefox: Phone, predictor: Predictor) -> None:  # noqa: F811
    assert len({compare(firefox, predictor, content) for content in pictures().values()}) > 10


def test_firefox_gives_the_answer_of_predict_on_real_films(firefox: Phone, predictor: Predictor) -> None:  # noqa: F811
    films = real_films()
    said = [compare(firefox, predictor, path.read_bytes()) for path in films[:: len(films) // FILMS][:FILMS]]
    report(firefox=firefox.chrome.capabilities["browserVersion"], firefox_films=len(said))
    assert {"pneumonia", "normal"} <= set(said)
