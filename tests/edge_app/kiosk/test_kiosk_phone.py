"""The page for a phone, as the kiosk serves it."""

import json

import pytest

from edge_app.imaging.phantom import PhantomStyle, phantom_png

STYLE = PhantomStyle(width_px=640, height_px=560)


@pytest.mark.parametrize("age", ["3", ""])
def test_the_kiosk_offers_the_page_for_a_phone_which_answers_as_the_kiosk_does(kiosk, browser, wait_for, age):
    film = phantom_png("bacterial", 3 if age else 4, STYLE)
    status, _, headers = kiosk.ask("/phone/sw.js")
    assert status == 200
    assert "javascript" in headers["content-type"]
    assert kiosk.ask("/phone/rules.py")[0] == 404

    browser.get(kiosk.url + "/phone/")
    wait_for(lambda: browser.execute_script("return window.phone && !document.querySelector('#failed')"))
    script = """
        const [film, age] = arguments, bytes = Uint8Array.from(film, (each) => each);
        return phone.answer(bytes, age && Number(age)).then(({ json }) => json)"""
    said = browser.execute_script(script, list(film), age or None)
    expected = json.loads(kiosk.ask("/films", film, x_age_years=age)[1])
    for name in ("decision", "label", "threshold", "lung_field", "warnings", "model"):
        assert said[name] == expected[name]
    assert ("age_unknown" in said["warnings"]) == (not age)
