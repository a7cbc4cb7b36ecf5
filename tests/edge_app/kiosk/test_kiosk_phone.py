"""The page for a phone, as the kiosk serves it."""

import json

from edge_app.imaging.phantom import PhantomStyle, phantom_png


def test_the_kiosk_offers_the_page_for_a_phone_which_answers_as_the_kiosk_does(kiosk, browser, wait_for):
    film = phantom_png("bacterial", 3, PhantomStyle(width_px=640, height_px=560))
    status, _, headers = kiosk.ask("/phone/sw.js")
    assert status == 200
    assert "javascript" in headers["content-type"]
    assert kiosk.ask("/phone/rules.py")[0] == 404

    browser.get(kiosk.url + "/phone/")
    wait_for(lambda: browser.execute_script("return window.phone && !document.querySelector('#failed')"))
    script = """
        const bytes = Uint8Array.from(arguments[0], (each) => each);
        return phone.answer(bytes, 3).then(({ json }) => json)"""
    said = browser.execute_script(script, list(film))
    expected = json.loads(kiosk.ask("/films", film, x_age_years="3")[1])
    for name in ("decision", "label", "threshold", "lung_field", "warnings", "model"):
        assert said[name] == expected[name]
