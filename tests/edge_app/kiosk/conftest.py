"""A real kiosk in a process of its own, on a free port, and a real browser to view it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clinic import BIG
from tests_support import LAN_NAME

from edge_app.imaging.phantom import phantom_png
from edge_app.records.database import open_store
from edge_app.records.readers import add_reader

REPOSITORY = Path(__file__).parents[3]
BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {LAN_NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass
class RunningKiosk:
    """A kiosk's process and address; `get` and `post` send requests as a script would."""

    process: subprocess.Popen
    url: str
    home: Path
    log: Path

    def ask(self, path: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data=data, headers=named)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read(), {k.lower(): v for k, v in answer.headers.items()}
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), {k.lower(): v for k, v in error.headers.items()}


@contextmanager
def running_kiosk(home: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[RunningKiosk]:
    """Start a kiosk with its records in `home`; stopped at the end."""
    command = [sys.executable, "-m", "edge_app", "serve", "--port", "0", *options]
    variables = os.environ | {"CXR_EDGE_HOME": str(home), "PYTHONPATH": str(REPOSITORY)} | (environment or {})
    with (
        tempfile.NamedTemporaryFile("w") as log,  # a pipe that nobody reads would stop a kiosk that logs much
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=REPOSITORY, env=variables
        ) as process,
    ):
        line = process.stdout.readline()
        found = re.search(r"https?://\S+", line)
        if not found:
            process.kill()
            raise RuntimeError(f"the kiosk did not start: {Path(log.name).read_text()}")
        try:
            yield RunningKiosk(process, found.group(), home, Path(log.name))
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def start_kiosk(tmp_path: Path) -> Callable[..., Any]:
    """`with start_kiosk("--option") as kiosk:`, its records in this test's folder."""

    def start(*options: str, home: Path | None = None, environment: dict[str, str] | None = None) -> Any:
        return running_kiosk(home or tmp_path / "home", *options, environment=environment)

    return start


@pytest.fixture
def tls_options(tmp_path: Path) -> list[str]:
    """Options of a kiosk with a certificate and a reader AB, PIN 13579."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    store = open_store(tmp_path / "home")
    add_reader(store, "AB", "13579")
    store.close()
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=kiosk", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return ["--tls-cert", str(certificate), "--tls-key", str(key)]


@pytest.fixture
def films(tmp_path) -> Callable[..., Any]:
    """`films("viral", 3)`: the path of a drawn film."""

    def film(label: str, seed: int, name: str = ""):
        path = tmp_path / (name or f"{label}-{seed}.png")
        path.write_bytes(phantom_png(label, seed, BIG))
        return path

    return film


@pytest.fixture(scope="session")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKiosk]:
    """One kiosk for all tests that leave it as it was."""
    with running_kiosk(tmp_path_factory.mktemp("kiosk")) as running:
        yield running


@contextmanager
def running_browser() -> Iterator[Any]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("chromium and chromedriver are not installed: apt-get install chromium chromium-driver")
    from selenium import webdriver

    with tempfile.TemporaryDirectory(prefix="cxr-browser-", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in (*BROWSER_FLAGS, f"--user-data-dir={profile}", "--lang=en"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        chrome.set_window_size(1280, 800)
        try:
            yield chrome
        finally:
            chrome.quit()


@pytest.fixture
def browser() -> Iterator[Any]:
    """Chromium without a window, a fresh profile, no name server, and a log of all requests."""
    with running_browser() as chrome:
        yield chrome


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Any]:
    """The same for all tests of a module whose pages keep nothing in the profile."""
    with running_browser() as chrome:
        yield chrome


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """Call something until it gives a true value; fails with its name after the limit."""

    def wait(what: Callable[[], Any], limit_s: float = 60.0) -> Any:
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            value = what()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"not within {limit_s} s: {what}")

    return wait
