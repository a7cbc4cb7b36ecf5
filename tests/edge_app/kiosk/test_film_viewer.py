"""The film viewer in a real browser, on a page of its own: mouse, touch and keys, and what is seen then."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

STATIC = Path(__file__).parents[3] / "edge_app" / "kiosk" / "static"
SCRIPTS = sorted(STATIC.glob("film_*.js"))
SIZES = [(800, 480, 1), (1024, 600, 1), (1280, 800, 1), (390, 844, 1), (400, 240, 2)]  # the last is 800x480 at 200%
SPOT = (0.3, 0.6)  # the middle of the white square on the film
CONTOUR = [[[0.5, 0.2], [0.7, 0.2], [0.7, 0.4], [0.5, 0.4]]]
ATTRIBUTES = {
    "film": "film.png",
    "full": "full.png",
    "earlier": "earlier.png",
    "contour": json.dumps(CONTOUR),
    "field": "0.2,0.3,0.6,0.7",
    "regions-input": "#regions",
}
PAGE = """<!doctype html><html lang="en" dir="{direction}"><meta charset="utf-8"><title>Film</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css"><link rel="stylesheet" href="viewer.css">
<style>html {{ scrollbar-width: none; }} body {{ margin: 0; height: 3000px; }} #room {{ height: 100vh; }}
.bare :is(.film-tools, .film-status, .film-caption) {{ visibility: hidden; }}
.bare .film-stage::after {{ display: none; }}</style>
<body class="{theme}"><div id="room">{viewer}</div><textarea id="regions" hidden></textarea><button>After</button>
<script>window.told = []; for (const name of ["regions", "orientation"])
  document.addEventListener("film-viewer:" + name, (event) => told.push([name, event.detail]));</script>
{scripts}</body></html>"""


def film(width: int, height: int, spot: tuple[float, float] = SPOT) -> Image.Image:
    """A gray film with a white square around `spot`, a tenth of its height wide."""
    pixels = np.full((height, width), 110, np.uint8)
    x, y, half = round(spot[0] * width), round(spot[1] * height), height // 20
    pixels[y - half : y + half, x - half : x + half] = 255
    return Image.fromarray(pixels)


def element(**changed: str) -> str:
    attributes = {**ATTRIBUTES, **{name.replace("_", "-"): value for name, value in changed.items()}}
    written = " ".join(f"data-{name}='{value}'" for name, value in attributes.items())
    return f"<div class='film-viewer' {written}></div>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address and folder of a site with the scripts and three films, served on this machine."""
    folder = tmp_path_factory.mktemp("site")
    for file in (*SCRIPTS, STATIC / "style.css", STATIC / "viewer.css"):
        (folder / file.name).write_bytes(file.read_bytes())
    film(800, 640).save(folder / "film.png")
    film(3200, 2560).save(folder / "full.png")
    film(600, 600, (0.5, 0.5)).save(folder / "earlier.png")
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port} {folder}"
    server.shutdown()
    server.server_close()
    thread.join()


class Reader:
    """A person with a mouse, fingers and keys in front of the viewer; places are in pixels of the page."""

    def __init__(self, browser: Any, site: str, wait_for: Callable[..., Any]) -> None:
        self.browser, self.wait_for = browser, wait_for
        self.url, self.folder = site.split(" ", 1)

    def open(self, size: tuple[int, int, int] = (800, 480, 1), direction: str = "ltr", theme: str = "", **changed: str):
        width, height, scale = size
        self.resize(width, height, scale)
        scripts = "".join(f'<script src="{file.name}"></script>' for file in SCRIPTS)
        page = PAGE.format(viewer=element(**changed), direction=direction, theme=theme, scripts=scripts)
        (Path(self.folder) / "page.html").write_text(page)
        self.browser.get(f"{self.url}/page.html")
        self.settle()
        return self

    def resize(self, width: int, height: int, scale: int = 1) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})

    def settle(self) -> None:
        """Until all films are decoded and two frames were drawn."""
        frames = (
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60)))"
        )
        for _ in range(2):
            self.browser.execute_async_script(frames)

    def ask(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(f"return {script}", *arguments)

    def told(self, name: str) -> list[Any]:
        return [detail for kind, detail in self.ask("told") if kind == name]

    def regions(self) -> list[list[float]]:
        return json.loads(self.ask("document.querySelector('#regions').value"))

    # What is done.
    def mouse(self, kind: str, place: tuple[float, float], button: str = "none", **more: float) -> None:
        pressed = {"left": 1, "right": 2, "middle": 4}.get(button, 0)
        held = 0 if kind == "mouseReleased" else pressed
        event = {"type": kind, "x": place[0], "y": place[1], "button": button, "buttons": held, "clickCount": 1, **more}
        self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def drag(self, start: tuple[float, float], by: tuple[float, float], button: str = "left") -> None:
        self.mouse("mousePressed", start, button)
        for step in (0.25, 0.5, 1):
            self.mouse("mouseMoved", (start[0] + by[0] * step, start[1] + by[1] * step), button)
        self.mouse("mouseReleased", (start[0] + by[0], start[1] + by[1]), button)
        self.settle()

    def touch(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def wheel(self, place: tuple[float, float], down: float) -> None:
        self.mouse("mouseWheel", place, deltaX=0, deltaY=down)
        self.settle()

    def keys(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()
        self.settle()

    def hold(self, held: str, keys: str) -> None:
        ActionChains(self.browser).key_down(held).send_keys(keys).key_up(held).perform()
        self.settle()

    def use(self, name: str) -> None:
        """Press a tool's button, by way of the last one where it is folded away."""
        button = self.browser.find_element(By.CSS_SELECTOR, f'[data-tool="{name}"]')
        folded = not button.is_displayed()
        if folded:
            self.use("more")
        button.click()
        if folded:
            self.use("more")
        self.settle()

    def focus(self) -> None:
        self.ask("document.querySelector('.film-stage').focus()")

    # What is seen.
    def seen(self) -> np.ndarray:
        """The page's gray levels without the tools and the notes: shape (height, width), uint8."""
        self.ask("document.body.classList.add('bare')")
        picture = Image.open(io.BytesIO(self.browser.get_screenshot_as_png())).convert("L")
        self.ask("document.body.classList.remove('bare')")
        return np.asarray(picture)

    def spots(self, seen: np.ndarray | None = None) -> tuple[float, float, int]:
        """Middle and width of what is white, in pixels of the screen."""
        rows, columns = np.nonzero((self.seen() if seen is None else seen) > 230)
        assert rows.size, "no white square is seen"
        return columns.mean() + 0.5, rows.mean() + 0.5, int(np.ptp(columns)) + 1

    def film_box(self) -> tuple[int, int, int, int]:
        rows, columns = np.nonzero(self.seen() > 60)
        return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1

    def place_of(self, point: tuple[float, float]) -> tuple[float, float]:
        """Where a point of the upright film at fit is."""
        left, top, right, bottom = self.film_box()
        return left + point[0] * (right - left), top + point[1] * (bottom - top)


@pytest.fixture
def reader(shared_browser: Any, site: str, wait_for: Callable[..., Any]) -> Reader:
    return Reader(shared_browser, site, wait_for)


def page_is_still(reader: Reader) -> bool:
    return reader.ask("[scrollX, scrollY, visualViewport.scale]") == [0, 0, 1]


def near(seen: tuple[float, ...], expected: tuple[float, ...], within: float = 1.0) -> bool:
    return all(abs(a - b) <= within for a, b in zip(seen, expected, strict=False))


def test_wheel_zooms_at_the_pointer_and_the_page_stays(reader):
    reader.open()
    before, place = reader.spots(), reader.place_of(SPOT)
    for _ in range(4):
        reader.wheel(place, -120)
    after = reader.spots()
    assert near(after[:2], place)
    assert after[2] > 1.8 * before[2]
    assert page_is_still(reader)
    for _ in range(9):
        reader.wheel((400, 100), 120)
    assert near(reader.spots(), before), "zooming out does not end where it began"


@pytest.mark.parametrize("tool", ["window", "region"])
def test_pinch_zooms_at_the_fingers_and_two_fingers_move_the_film(reader, tool):
    """Whatever the first finger began with the chosen tool, the second one takes back."""
    reader.open()
    reader.use(tool)
    width = reader.spots()[2]
    x, y = reader.place_of(SPOT)
    reader.touch("touchStart", (x - 60, y + 30))
    reader.touch("touchMove", (x - 40, y))
    reader.touch("touchStart", (x - 40, y), (x + 40, y))
    for apart in (60, 90, 120):
        reader.touch("touchMove", (x - apart, y), (x + apart, y))
    reader.settle()
    assert near(reader.spots()[:2], (x, y))
    assert reader.spots()[2] == pytest.approx(3 * width, abs=3)
    reader.touch("touchMove", (x - 90, y - 50), (x + 150, y - 50))
    reader.touch("touchEnd")
    reader.settle()
    assert near(reader.spots()[:2], (x + 30, y - 50))
    assert page_is_still(reader)
    assert reader.seen()[50, 400] == 110
    assert not reader.browser.find_elements(By.CSS_SELECTOR, ".film-region")
    assert reader.regions() == []


def test_film_never_leaves_the_view(reader):
    reader.open()
    box = reader.film_box()
    reader.use("pan")
    reader.drag((400, 200), (300, 200))
    assert reader.film_box() == box, "a film that fits was moved"
    reader.wheel((400, 200), -200)
    for by in ((700, 400), (-700, -400)):
        for button in ("left", "middle"):
            for _ in range(3):
                reader.drag((400, 200), by, button)
        left, top, right, bottom = reader.film_box()
        assert left <= box[0]
        assert top <= box[1]
        assert right >= box[2]
        assert bottom >= box[3]
        assert reader.seen()[box[1] + 2 : box[3] - 2, box[0] + 2 : box[2] - 2].min() > 60


def lose_touch(reader: Reader) -> None:
    reader.touch("touchStart", (300, 200))
    reader.touch("touchMove", (320, 210))
    reader.touch("touchCancel")


def lose_focus(reader: Reader) -> None:
    reader.mouse("mousePressed", (300, 200), "left")
    reader.mouse("mouseMoved", (320, 210), "left")
    reader.ask("window.dispatchEvent(new Event('blur'))")
    reader.mouse("mouseMoved", (420, 310), "left")


def lose_capture(reader: Reader) -> None:
    reader.ask("document.querySelector('.film-stage').addEventListener('pointermove', (event) =>"
               " event.currentTarget.releasePointerCapture(event.pointerId), { once: true })")  # fmt: skip
    reader.mouse("mousePressed", (300, 200), "left")
    reader.mouse("mouseMoved", (320, 210), "left")
    reader.mouse("mouseMoved", (321, 211), "left")
    reader.mouse("mouseMoved", (421, 311), "left")


def let_go_outside(reader: Reader) -> None:
    reader.mouse("mousePressed", (300, 200), "left")
    reader.mouse("mouseMoved", (320, 210), "left")


@pytest.mark.parametrize("tool", ["window", "region"])
@pytest.mark.parametrize("lose", [lose_touch, lose_focus, lose_capture, let_go_outside])
def test_lost_pointer_does_not_stick(reader, lose, tool):
    reader.open()
    reader.use(tool)
    before = reader.seen()
    lose(reader)
    reader.settle()
    assert lose == let_go_outside or np.array_equal(reader.seen(), before), "it goes on while the button is held"
    for place in ((500, 300), (600, 350), (200, 100)):
        reader.mouse("mouseMoved", place)
    reader.settle()
    assert np.array_equal(reader.seen(), before)
    assert reader.regions() == []
    reader.drag((300, 150), (60, 60))
    assert not np.array_equal(reader.seen(), before), "the next drag does nothing"


@pytest.mark.parametrize("by", ["mouse", "touch", "keys"])
def test_window_and_level_change_the_film(reader, by):
    reader.open()
    gray = reader.seen()[50, 400]
    if by == "mouse":
        reader.drag((400, 200), (0, 60))
    elif by == "touch":
        reader.touch("touchStart", (400, 200))
        for down in (20, 40, 60):
            reader.touch("touchMove", (400, 200 + down))
        reader.touch("touchEnd")
        reader.settle()
    else:
        reader.focus()
        reader.keys(*[Keys.ARROW_DOWN] * 6)
    assert gray == 110
    assert reader.seen()[50, 400] == pytest.approx(110 - 51, abs=2), "the level is a fifth of the range higher"
    assert page_is_still(reader)
    reader.use("fit")
    assert reader.seen()[50, 400] == gray
    reader.drag((400, 200), (-150, 0))
    assert reader.seen()[50, 400] == pytest.approx(127.5 - 2 * 17.5, abs=2), "half the width is twice the contrast"


def test_right_drag_zooms_and_a_double_click_shows_lungs_and_whole_film(reader):
    reader.open()
    before = reader.spots()
    reader.drag(before[:2], (0, 100), "right")
    assert near(reader.spots()[:2], before[:2])
    assert reader.spots()[2] == pytest.approx(before[2] * np.exp(100 / 150), abs=3)
    for click in (before[2], 2.5 * before[2]):
        for _ in range(2):
            reader.mouse("mousePressed", (500, 300), "left")
            reader.mouse("mouseReleased", (500, 300), "left")
        reader.settle()
        assert reader.spots()[2] == pytest.approx(click, abs=2)  # the field is 0.4 of the film's width and height


@pytest.mark.parametrize(("turns", "flip"), [(0, True), (1, False), (1, True), (2, False), (3, True)])
def test_orientation_that_is_told_is_the_one_that_is_seen(reader, turns, flip):
    reader.open()
    for _ in range(turns):
        reader.use("rotate")
    if flip:
        reader.use("flip")
    told = reader.told("orientation")[-1]
    shown = film(800, 640)
    if told["flip"]:
        shown = ImageOps.mirror(shown)
    shown = shown.rotate(-90 * told["turns"], expand=True)
    rows, columns = np.nonzero(np.asarray(shown) > 230)
    expected = reader.place_of((columns.mean() / shown.width, rows.mean() / shown.height))
    assert near(reader.spots()[:2], expected, 2)
    assert told == {"turns": (turns if not flip else -turns) % 4, "flip": flip, "invert": False}
    note = reader.browser.find_element(By.CSS_SELECTOR, ".film-caption").text
    assert ("Left and right are swapped" in note) == flip
    assert reader.ask("{...document.querySelector('.film-viewer').dataset}")["turns"] == str(told["turns"])


def test_invert_shows_the_negative(reader):
    reader.open()
    reader.use("invert")
    assert reader.seen()[50, 400] == pytest.approx(255 - 110, abs=1)
    assert reader.told("orientation") == [{"turns": 0, "flip": False, "invert": True}]


def test_region_keeps_its_place_on_the_film_however_it_is_shown(reader):
    """Drawn around the white square of a turned, mirrored and zoomed film, it is around that of the file."""
    reader.open()
    for tool in ("rotate", "flip", "zoom_in", "zoom_in", "region"):
        reader.use(tool)
    x, y, width = reader.spots()
    half = width / 2
    reader.drag((x - half, y - half), (width, width))
    [[left, top, right, bottom]] = reader.regions()
    expected = (SPOT[0] - 0.04, SPOT[1] - 0.05, SPOT[0] + 0.04, SPOT[1] + 0.05)
    assert near((left, top, right, bottom), expected, 0.01)
    assert reader.told("regions")[-1] == {"regions": reader.regions()}
    for tool in ("fit", "rotate"):
        reader.use(tool)
    assert near(reader.regions()[0], expected, 0.01)


def test_regions_by_touch_are_moved_sized_and_removed(reader):
    reader.open()
    reader.use("region")

    def stroke(*places: tuple[float, float]) -> None:
        reader.touch("touchStart", places[0])
        for place in places[1:]:
            reader.touch("touchMove", place)
        reader.touch("touchEnd")
        reader.settle()

    stroke((300, 100), (340, 140), (400, 200))
    stroke((450, 100), (500, 140), (520, 200))
    first, second = reader.regions()
    stroke((350, 150), (360, 160), (370, 170))
    moved, _ = reader.regions()
    step = 20 / (reader.film_box()[3] - reader.film_box()[1])
    assert near(moved, (first[0] + step * 0.8, first[1] + step, first[2] + step * 0.8, first[3] + step), 0.003)
    stroke((420, 220), (440, 240))
    assert near(reader.regions()[0][2:], (moved[2] + step * 0.8, moved[3] + step), 0.003), "sized by its corner"
    stroke((600, 300), (602, 301))
    assert len(reader.regions()) == 2, "a tap beside the regions adds none"
    stroke((350, 150), (351, 150))
    remove = reader.browser.find_element(By.CSS_SELECTOR, ".film-remove")
    assert min(remove.size.values()) >= 44
    remove.click()
    reader.settle()
    assert reader.regions() == [second]
    assert page_is_still(reader)


def test_regions_by_keys(reader):
    reader.open()
    reader.focus()
    reader.keys("m", Keys.ENTER)
    [first] = reader.regions()
    reader.keys(Keys.ARROW_RIGHT, Keys.ARROW_UP)
    reader.hold(Keys.SHIFT, Keys.ARROW_DOWN)
    [[left, top, right, bottom]] = reader.regions()
    assert left > first[0]
    assert right - left == pytest.approx(first[2] - first[0], abs=1e-3)
    assert top < first[1]
    assert bottom - top > first[3] - first[1]
    reader.keys(*[Keys.ARROW_LEFT] * 60)
    assert reader.regions()[0][0] == 0, "it stops at the film's edge"
    reader.keys(Keys.ENTER, " ", Keys.DELETE)
    assert len(reader.regions()) == 1
    assert reader.regions()[0][0] > 0.3, "Space chose the first, Delete removed it"


def test_no_more_regions_are_marked_than_may_be_signed_and_the_viewer_says_so(reader):
    reader.open(max_regions="2")
    reader.focus()
    reader.keys("m", Keys.ENTER)
    reader.drag((250, 100), (60, 60))
    regions = reader.regions()
    for more in (lambda: reader.keys(Keys.ENTER), lambda: reader.drag((350, 250), (60, 60))):
        more()
        assert reader.ask("document.querySelector('.film-status').textContent") == "A film takes 2 regions at most."
        assert reader.regions() == regions
        reader.wait_for(lambda: not reader.ask("document.querySelector('.film-status').textContent"), 10)
    assert len(regions) == 2
    reader.use("crop")
    reader.drag((350, 250), (60, 60))
    assert "crop" in reader.told("orientation")[-1], "a part to read again is no region"


def test_one_part_at_most_is_chosen_to_be_read_again_and_is_no_region(reader):
    reader.open()
    reader.use("rotate")
    reader.use("crop")
    reader.drag((250, 100), (60, 60))
    reader.drag((350, 150), (100, 120))
    told = reader.told("orientation")[-1]
    left, top, right, bottom = told.pop("crop")
    assert told == {"turns": 1, "flip": False, "invert": False}
    seen = reader.film_box()  # turned: the part's width lies down the film
    assert near((right - left, bottom - top), (120 / (seen[3] - seen[1]), 100 / (seen[2] - seen[0])), 0.01)
    assert reader.regions() == []
    reader.keys(Keys.DELETE)
    assert "crop" not in reader.told("orientation")[-1]
    reader.keys(Keys.ENTER)
    reader.use("fit")
    assert "crop" not in reader.told("orientation")[-1]


def test_contour_is_drawn_in_its_place_when_asked_and_not_before(reader):
    reader.open()
    before = reader.seen().astype(int)
    assert not reader.browser.find_elements(By.CSS_SELECTOR, ".film-contour")
    reader.use("contour")
    rows, columns = np.nonzero(np.abs(reader.seen() - before) > 20)
    left, top = reader.place_of((0.5, 0.2))
    right, bottom = reader.place_of((0.7, 0.4))
    assert near((columns.min(), rows.min(), columns.max(), rows.max()), (left, top, right, bottom), 5)
    inner = reader.seen()[int(top) + 6 : int(bottom) - 6, int(left) + 6 : int(right) - 6]
    assert np.ptp(inner) == 0, "the film inside the contour is not covered"
    reader.use("contour")
    assert np.array_equal(reader.seen(), before)


def test_normal_film_has_no_contour_to_switch_on(reader):
    reader.open(contour="[]", earlier="")
    before = reader.seen()
    for tool in ("contour", "compare"):
        assert (
            reader.browser.find_element(By.CSS_SELECTOR, f"[data-tool={tool}]").get_attribute("aria-disabled") == "true"
        )
        reader.use(tool)
    reader.focus()
    reader.keys("c")
    assert np.array_equal(reader.seen(), before)


def fetched(reader: Reader) -> set[str]:
    return {
        name.rpartition("/")[2] for name in reader.ask("performance.getEntriesByType('resource').map((e) => e.name)")
    }


def test_full_resolution_is_fetched_when_needed_and_shown_one_to_one(reader):
    reader.open()
    files = {file.name for file in SCRIPTS} | {"style.css", "viewer.css"}
    assert fetched(reader) == files | {"film.png"}
    reader.use("zoom_in")
    assert "full.png" not in fetched(reader), "the display image is sharp enough"
    reader.use("actual")
    reader.wait_for(lambda: "full.png" in fetched(reader), 10)
    reader.settle()
    assert fetched(reader) == files | {"film.png", "full.png"}
    reader.use("pan")
    reader.drag((100, 350), (600, -230))
    assert reader.spots()[2] == 256, "a tenth of 2,560 rows, each one pixel of the screen"


def test_earlier_film_stands_next_to_this_one_and_zooms_with_it(reader):
    reader.open()
    reader.use("compare")
    seen = reader.seen()
    this, earlier = (reader.spots(half) for half in (seen[:, :400], seen[:, 400:]))
    assert near(earlier[:1], (200,), 3), "the earlier film's square is in its middle"
    reader.use("zoom_in")
    seen = reader.seen()
    for half, before in ((seen[:, :400], this), (seen[:, 400:], earlier)):
        assert reader.spots(half)[2] == pytest.approx(1.4 * before[2], abs=3)
    reader.use("compare")
    assert not reader.browser.find_element(By.CSS_SELECTOR, ".film-caption").text


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_tools_are_named_large_and_in_view(reader, size, direction):
    reader.open(size, direction)
    reader.use("region")
    reader.focus()
    reader.keys(Keys.ENTER)
    for opened in (False, True):
        if opened:
            reader.use("more")
        for button in reader.browser.find_elements(By.CSS_SELECTOR, ".film-viewer button"):
            if not button.is_displayed():
                continue
            box = button.rect
            assert min(box["width"], box["height"]) >= 44
            assert button.accessible_name.strip()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= size[0]
        shown = reader.browser.find_elements(By.CSS_SELECTOR, ".film-tools button:not([hidden])")
        rows = {button.rect["y"] for button in shown}
        assert opened or len(rows) == 1
    assert len(shown) == 15
    assert reader.ask("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize(("direction", "forth"), [("ltr", Keys.ARROW_RIGHT), ("rtl", Keys.ARROW_LEFT)])
def test_keyboard_has_two_stops_and_arrows_between_the_tools(reader, direction, forth):
    reader.open(direction=direction)
    here = "document.activeElement.dataset.tool ?? document.activeElement.className"
    stops = []
    for _ in range(3):
        reader.keys(Keys.TAB)
        stops.append(reader.ask(here))
    assert stops == ["film-stage", "contour", ""]
    ActionChains(reader.browser).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    reader.keys(forth, forth, Keys.SPACE)
    assert reader.ask(here) == "pan"
    reader.keys(Keys.END)
    assert reader.ask(here) == "more"
    reader.keys(Keys.HOME)
    assert reader.ask(here) == "contour"
    stage = reader.browser.find_element(By.CSS_SELECTOR, ".film-stage")
    assert (stage.aria_role, stage.accessible_name) == ("application", "Chest film")
    help_text = reader.ask("document.getElementById(arguments[0]).textContent", stage.get_attribute("aria-describedby"))
    assert "Arrow keys" in help_text
    assert reader.ask("document.querySelector('[data-tool=pan]').getAttribute('aria-pressed')") == "true"


def test_film_is_viewed_by_keys(reader):
    reader.open()
    reader.focus()
    width = reader.spots()[2]
    reader.keys("p", "+", "+")
    x, y, wide = reader.spots()
    assert wide == pytest.approx(1.4**2 * width, abs=2)
    reader.keys(Keys.ARROW_RIGHT)
    assert near(reader.spots()[:2], (x - 40, y))
    reader.keys("0", "i", "r", "f")
    assert reader.spots(255 - reader.seen())[2] >= width
    assert reader.told("orientation")[-1] == {"turns": 3, "flip": True, "invert": True}


def test_full_screen_and_back(reader):
    reader.open()
    reader.use("full_screen")
    reader.wait_for(lambda: reader.ask("document.fullscreenElement?.className") == "film-viewer", 10)
    assert reader.ask("document.querySelector('[data-tool=full_screen]').getAttribute('aria-pressed')") == "true"
    reader.use("full_screen")
    reader.wait_for(lambda: not reader.ask("document.fullscreenElement"), 10)


def test_page_that_draws_the_viewer_again_loses_nothing_of_what_was_done(reader):
    reader.open()
    for tool in ("rotate", "zoom_in", "region"):
        reader.use(tool)
    reader.drag((300, 150), (80, 80))
    reader.use("pan")
    before, regions = reader.seen(), reader.regions()
    put = "document.querySelector('#room').innerHTML = arguments[0]"
    reader.ask(put, element(contour="[]"))
    reader.settle()
    assert np.array_equal(reader.seen(), before)
    reader.ask("document.querySelector('.film-viewer').replaceChildren()")  # gradio, when only the label changed
    reader.settle()
    assert np.array_equal(reader.seen(), before)
    assert reader.regions() == regions
    reader.ask(put, element(film="earlier.png", full=""))
    reader.settle()
    assert reader.regions() == [], "the next film starts without"
    assert near(reader.spots()[:2], reader.place_of((0.5, 0.5)), 2)
    reader.ask("document.querySelector('.film-viewer').dataset.film = 'film.png'")
    reader.settle()
    assert np.array_equal(reader.seen(), before)
    reader.ask("document.querySelector('.film-viewer').dataset.regions = '[[0.1, 0.1, 0.3, 0.3]]'")
    reader.settle()
    assert reader.regions() == [[0.1, 0.1, 0.3, 0.3]], "those of a signature that came meanwhile"


def test_signed_film_shows_its_regions_and_takes_no_more(reader):
    reader.open(regions="[[0.1, 0.1, 0.3, 0.3]]", locked="")
    assert reader.browser.find_elements(By.CSS_SELECTOR, ".film-region")
    reader.use("region")
    reader.drag((300, 200), (80, 80))
    reader.focus()
    reader.keys("m", Keys.ENTER)
    assert reader.regions() == [[0.1, 0.1, 0.3, 0.3]]


def test_words_are_those_of_the_page_and_a_missing_film_is_said(reader):
    words = json.dumps({"contour": "إظهار الدليل", "no_film": "لا يمكن عرض الصورة"})
    reader.open(direction="rtl", words=words, film="gone.png")
    button = reader.browser.find_element(By.CSS_SELECTOR, "[data-tool=contour]")
    assert button.accessible_name == "إظهار الدليل"
    reader.wait_for(
        lambda: reader.browser.find_element(By.CSS_SELECTOR, ".film-status").text == "لا يمكن عرض الصورة", 5
    )
