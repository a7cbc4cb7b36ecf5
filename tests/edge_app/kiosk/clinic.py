"""The page as people use it: real clicks, touches and keys in a real browser."""

import csv
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.common.exceptions import (
    ElementNotInteractableException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from edge_app.imaging.phantom import PhantomStyle
from edge_app.records.database import Store, open_store
from edge_app.records.readers import add_reader

BIG = PhantomStyle(width_px=640, height_px=560)
PHONE_PX = 600  # a narrower window is a phone, which is touched


class Clinic:
    """One tab of the page."""

    def __init__(
        self,
        browser: Any,
        wait_for: Callable[..., Any],
        url: str,
        size: tuple[int, int] = (1280, 800),
        language: str = "",
    ) -> None:
        self.browser, self.wait_for, self.url, self.size = browser, wait_for, url, size
        self.is_touched = size[0] < PHONE_PX
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": self.is_touched}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": self.is_touched})
        browser.get(url)
        if language:
            browser.add_cookie({"name": "cxr_language", "value": language})
            browser.get(url)
        self.see(".drop")

    def ask(self, selector: str, what: str) -> list[Any]:
        """Something about every element `e` that is displayed, in one look: lists are drawn anew at any time."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].filter((e) => e.getClientRects().length"
            f" && getComputedStyle(e).visibility === 'visible').map((e) => {what})"
        )
        return self.browser.execute_script(script, selector)

    def texts(self, selector: str) -> list[str]:
        return self.ask(selector, "e.innerText")

    def text(self, selector: str) -> str:
        return " ".join(self.texts(selector))

    def count(self, selector: str) -> int:
        """How many such elements are displayed."""
        return len(self.ask(selector, "1"))

    def see(self, selector: str) -> None:
        """Wait for such an element to be displayed."""
        self.wait_for(lambda: self.count(selector))

    def act(self, selector: str, do: Callable[[Any], Any]) -> None:
        """Do something with an element, which may be replaced at any time."""

        script = (
            "const all = [...document.querySelectorAll(arguments[0])];"
            "return all.find((e) => e.getClientRects().length) || all[0]"
        )

        def attempt() -> bool:
            found = self.browser.execute_script(script, selector)
            try:
                return bool(found and (do(found), True))
            except (StaleElementReferenceException, ElementNotInteractableException):
                return False

        self.wait_for(attempt)

    def press(self, selector: str) -> None:
        """A click, or a touch on a phone. The element may be replaced while it is looked for."""
        script = (
            "const e = [...document.querySelectorAll(arguments[0])].find((e) => e.getClientRects().length);"
            "if (!e) return null; e.scrollIntoView({block: 'nearest'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]"
        )
        x, y = self.wait_for(lambda: self.browser.execute_script(script, selector))
        if self.is_touched:
            at = {"x": x, "y": y}
            for kind, points in (("touchStart", [at]), ("touchEnd", [])):
                self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            return
        for kind in ("mousePressed", "mouseReleased"):
            click = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", click)

    def write(self, selector: str, text: str) -> None:
        """Replace what is in a field."""
        self.press(selector)
        self.act(selector, lambda field: (field.clear(), field.send_keys(text)))

    def choose(self, selector: str, value: str) -> None:
        """An option of a list."""
        self.act(f'{selector} option[value="{value}"]', lambda option: option.click())

    def add_films(self, *films: Path) -> None:
        self.act("input.films", lambda field: field.send_keys("\n".join(map(str, films))))

    def hand_in(self, *films: Path, label: str = "", age: str = "", sex: str = "") -> None:
        """Say whose films they are and add them; returns once all are in the queue or said to have failed."""
        before = self.count(".queue .case")
        if label:
            self.write("input.label", label)
        if age:
            self.write("input.years", age)
        if sex:
            self.choose("select.sex", sex)
        self.see(".drop")
        self.add_films(*films)
        self.wait_for(lambda: self.count(".queue .case") >= before + len(films) and not self.count(".progress"))

    def queue(self, section: int = 1) -> list[str]:
        """The labels of one list of the queue, from the top."""
        return self.texts(f".queue section:nth-of-type({section}) .case .what b bdi")

    def films_of(self, label: str) -> list[str]:
        """IDs of the films in the queue that say a label, from the top."""
        return [film for film, text in self.ask(".queue .case", "[e.dataset.id, e.innerText]") if label in text]

    def read(self, label: str) -> None:
        """Open a film from the queue."""

        def listed() -> list[str]:
            if not self.count('[data-shown="hand_in"]'):  # an answer that comes late may have changed the room
                self.press('button[data-room="hand_in"]')
            return self.films_of(label)

        film = self.wait_for(listed)[0]
        self.press(f'.queue .case[data-id="{film}"]')
        self.wait_for(lambda: label in self.text(".whose, #kiosk-viewer .empty, .answer") or self.count(".empty"))
        self.see('[data-shown="read"]')
        self.wait_for(lambda: self.text("#kiosk-answer"))

    def sign(self, finding: str, initials: str, pin: str, **texts: str) -> None:
        """Choose a finding, write initials and PIN, and sign; `comment` and `reason` as they are needed."""
        self.press(f'#kiosk-finding label:has(input[value="{finding}"])')
        for name, text in texts.items():
            self.write(f"#kiosk-{name} :is(input, textarea)", text)
        self.write("#kiosk-initials :is(input, textarea)", initials)
        self.write("#kiosk-pin input", pin)
        self.press("#kiosk-sign")

    def in_sight(self, *selectors: str) -> list[str]:
        """Those of some elements that are not wholly within the window."""
        script = (
            "return arguments[0].filter((s) => { const e = document.querySelector(s);"
            "if (!e || !e.getClientRects().length) return true; const b = e.getBoundingClientRect();"
            "return b.top < 0 || b.left < 0 || b.bottom > innerHeight + 1 || b.right > innerWidth + 1; })"
        )
        return self.browser.execute_script(script, list(selectors))

    def tab_stops_to(self, start: str, end: str) -> int:
        """How often Tab is pressed from one element to another."""
        self.browser.execute_script("document.querySelector(arguments[0]).focus()", start)
        for stops in range(1, 60):
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
            if self.browser.execute_script("return !!document.activeElement.closest(arguments[0])", end):
                return stops
        raise AssertionError(f"Tab never reaches {end}")


def leave(browser: Any, act: Callable[[], Any]) -> None:
    """Do what loads another page, and wait for that page: a click is done before its answer is there."""
    browser.execute_script("window.isLeft = true")
    act()
    script = "return !window.isLeft && document.readyState === 'complete'"
    WebDriverWait(browser, 60, ignored_exceptions=[WebDriverException]).until(lambda _: browser.execute_script(script))


def settled(clinic: Clinic, script: str, still_s: float = 0.4) -> Any:
    """A value of the page once it stays the same for a while."""
    value, since = clinic.browser.execute_script(script), time.monotonic()
    while time.monotonic() - since < still_s:
        now = clinic.browser.execute_script(script)
        if now != value:
            value, since = now, time.monotonic()
        time.sleep(0.05)
    return value


@contextmanager
def record_of(kiosk) -> Iterator[Store]:
    """The record, opened by another process than the kiosk's, as the command line does."""
    store = open_store(kiosk.home)
    try:
        yield store
    finally:
        store.close()


def enrol(kiosk, *people: str) -> None:
    """Add readers, all with the PIN 2468, as `reviews add-reader` does."""
    with record_of(kiosk) as store:
        for initials in people:
            add_reader(store, initials, "2468")


def exported(kiosk) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(kiosk.ask("/export.csv")[1].decode())))
