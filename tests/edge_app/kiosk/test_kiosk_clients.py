"""Many clients at once: no error, no mix-up, constant memory; and how long one large film takes in the page."""

import io
import json
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By

from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom, phantom_png
from edge_app.reading.predictor import load_predictor

CLIENTS = 8
MAX_READY_S, MAX_READY_MB = 6.0, 200.0
MAX_LARGE_FILM_S = 1.0


def resident_mb(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def hand_in_at_once(kiosk, films: list[bytes]) -> list[float]:
    """The score of each film, handed in by CLIENTS at once, each its own share in order."""
    scores: dict[int, float] = {}

    def client(number: int) -> None:
        for place in range(number, len(films), CLIENTS):
            status, body, _ = kiosk.ask("/films", films[place])
            answer = json.loads(body)
            assert status == 200
            assert answer["saved"]
            scores[place] = answer["p_pneumonia"]

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [scores[place] for place in range(len(films))]


def test_eight_clients_at_once_get_each_their_own_answer(start_kiosk):
    films = [phantom_png(LABELS[seed % 3], seed) for seed in range(CLIENTS * 5)]
    predictor = load_predictor()
    with start_kiosk() as kiosk:
        scores = hand_in_at_once(kiosk, films)
    assert scores == [predictor.answer(film).decision.p_finding for film in films]


@pytest.mark.slow
def test_memory_stays_flat_over_eight_times_fifty_films(start_kiosk):
    films = [phantom_png(LABELS[seed % 3], seed) for seed in range(CLIENTS * 50)]
    with start_kiosk() as kiosk:
        first = hand_in_at_once(kiosk, films)
        before_mb = resident_mb(kiosk.process.pid)
        assert hand_in_at_once(kiosk, films) == first
        grown_mb = resident_mb(kiosk.process.pid) - before_mb
    assert grown_mb < 10, f"grew by {grown_mb:.1f} MB"


@pytest.mark.slow
def test_kiosk_is_ready_soon_and_small(start_kiosk):
    """On an idle machine; run it alone."""
    start = time.perf_counter()
    with start_kiosk() as kiosk:
        ready_s = time.perf_counter() - start
        kiosk.ask("/")
        resident = resident_mb(kiosk.process.pid)
    print(f"ready in {ready_s:.2f} s, {resident:.0f} MB resident")
    assert resident < MAX_READY_MB
    assert ready_s < MAX_READY_S


@pytest.mark.slow
def test_large_film_is_answered_in_the_page_within_a_second(kiosk, browser, wait_for, tmp_path):
    """On an idle machine; run it alone."""
    pixels = draw_phantom("viral", 1, PhantomStyle(width_px=2048, height_px=2048))
    content = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(content, "JPEG", quality=95)
    film = tmp_path / "large.jpg"
    film.write_bytes(content.getvalue())
    browser.get(kiosk.url)
    field = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".drop input.films"))[0]
    start = time.perf_counter()
    field.send_keys(str(film))
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".outcome .result"))
    taken_s = time.perf_counter() - start
    print(f"{taken_s:.2f} s from the picker to a plain line")
    assert taken_s < MAX_LARGE_FILM_S
