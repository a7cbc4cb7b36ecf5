"""Every screen in both themes before axe-core, which this repository does not hold: CXR_AXE names its axe.min.js."""

import json
import os
import time
from pathlib import Path

import pytest
from clinic import Clinic, enrol, exported

AXE = Path(os.environ.get("CXR_AXE", "axe.min.js"))
FINDINGS = """
const done = arguments[0];
axe.run(document, {resultTypes: ['violations']}).then(({violations}) =>
    done(violations.map((found) => [found.id, found.nodes.map((node) => node.html.slice(0, 160))])));
"""


@pytest.mark.slow
@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not here: set CXR_AXE to its axe.min.js")
@pytest.mark.parametrize(("size", "language"), [((800, 480), "en"), ((390, 844), "ar")], ids=str)
def test_axe_finds_nothing_on_any_screen_in_either_theme(
    start_kiosk, browser, wait_for, films, tmp_path, size, language
):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"this is no picture")
    found: dict[str, list] = {}

    def look(screen: str) -> None:
        for theme in ("light", "dark"):
            media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            # Gradio asks for the theme once, at its start.
            browser.execute_script(f"document.body.classList.toggle('dark', {json.dumps(theme == 'dark')})")
            time.sleep(0.6)  # the page fades colours
            browser.execute_script(AXE.read_text(encoding="utf-8"))
            if violations := browser.execute_async_script(FINDINGS):
                found[f"{screen}, {theme}"] = violations

    with start_kiosk() as kiosk:
        enrol(kiosk, "AB")
        clinic = Clinic(browser, wait_for, kiosk.url, size, language)
        look("hand in, empty")
        clinic.hand_in(films("bacterial", 5), label="0412", age="2", sex="F")
        clinic.hand_in(films("normal", 6))
        clinic.hand_in(broken, label="0414")
        look("hand in")
        clinic.read("0412")
        clinic.see(".film-viewer canvas")
        look("read")
        clinic.press(".whose summary")
        clinic.press(".answer summary")
        clinic.press('.film-tools [data-tool="more"]')
        look("read, all open")
        clinic.sign("bacterial", "ab", "2468")
        wait_for(lambda: "0412" in clinic.text("#kiosk-message"))
        clinic.read("0412")
        look("signed")
        clinic.read("0414")
        look("refused")
        record_id = next(row["id"] for row in exported(kiosk) if row["status"] == "signed")
        for path in ("record", "record?show=refused", f"report/{record_id}", "setup", "phone/"):
            browser.get(f"{kiosk.url}/{path}")
            browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
            look(path.partition("/")[0])
    assert found == {}, json.dumps(found, indent=1)
