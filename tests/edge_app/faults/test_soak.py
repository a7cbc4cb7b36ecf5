"""Film after film, good and damaged: the same answers, no more memory, no more open files, no crash."""

import io
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from mutations import mutated
from PIL import Image

from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom

ROOT = Path(__file__).parents[3]
SEED = 20261121
STYLE = PhantomStyle(width_px=640, height_px=560)
ALLOWED_GROWTH_MIB = 12
FILMS = 400
MANY_FILMS = 10_000
SERVED_FILMS = 150
MANY_SERVED_FILMS = 2_000


def some_films():
    """Phantoms as JPEG, PNG and TIFF, and as many damaged ones."""
    films = []
    for seed in range(6):
        image = Image.fromarray(draw_phantom(LABELS[seed % 3], seed, STYLE))
        for kind in ("JPEG", "PNG", "TIFF"):
            content = io.BytesIO()
            image.save(content, kind)
            films.append(content.getvalue())
    return films + [mutated(film, np.random.default_rng([SEED, i])) for i, film in enumerate(films)]


def size_of(pid):
    """Resident memory in MiB, and open descriptors, of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


SCRIPT = """
import json, pickle, sys
from edge_app.errors import FilmError
from edge_app.reading.predictor import load_predictor
predictor, films, answers = load_predictor(), pickle.load(sys.stdin.buffer), {}
for index in range(int(sys.argv[1])):
    film = index % len(films)
    try:
        answer = predictor.answer(films[film]).decision.p_finding
    except FilmError as error:
        answer = error.code
    if answers.setdefault(film, answer) != answer:
        raise SystemExit(f"film {film} was {answers[film]}, now {answer}")
    if index in (200, int(sys.argv[1]) - 1):
        pages = int(open("/proc/self/statm").read().split()[1])
        import os
        print(json.dumps([index, pages * os.sysconf("SC_PAGESIZE") / 2**20, len(os.listdir("/proc/self/fd"))]))
"""


def soak(count):
    import pickle

    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, str(count)]
    child = subprocess.run(command, env=environment, input=pickle.dumps(some_films()), capture_output=True)
    assert child.returncode == 0, child.stderr[-2000:]
    (_, before_mib, before_open), (_, after_mib, after_open) = map(json.loads, child.stdout.splitlines())
    assert after_open == before_open
    assert after_mib - before_mib < ALLOWED_GROWTH_MIB, f"{before_mib:.0f} MiB grew to {after_mib:.0f} MiB"
    return {
        "films": count,
        "mib_grown": round(after_mib - before_mib, 1),
        "descriptors_grown": after_open - before_open,
    }


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system has no /proc")
def test_the_same_films_get_the_same_answers_in_the_same_memory(tally):
    tally(seed=SEED, **soak(FILMS))


@pytest.mark.slow
def test_ten_thousand_films_get_the_same_answers_in_the_same_memory(tally):
    tally(seed=SEED, **soak(MANY_FILMS))


@pytest.fixture
def kiosk(tmp_path):
    """A kiosk in a process of its own, and its address."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "edge_app", "serve", "--port", "0", "--data-dir", str(tmp_path)]
    with (
        (tmp_path / "kiosk.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        address = process.stdout.readline().strip().rpartition(" ")[2]
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=30).close()
                break
            except OSError:
                time.sleep(0.5)
        yield process, address, tmp_path / "kiosk.log"
        process.terminate()
        process.wait(30)


def post(address, content):
    request = urllib.request.Request(f"{address}/films", content, {"Content-Type": "application/octet-stream"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["status"]
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)["status"]


def serve_many(kiosk, count):
    process, address, log = kiosk
    films, seen = some_films(), set()
    for index in range(count):
        film = films[index % len(films)]
        if index >= len(films) and index % 2:
            film = mutated(film, np.random.default_rng([SEED, 9, index]))
        seen.add(post(address, film))
        if index == min(100, count // 3):
            before = size_of(process.pid)
    after = size_of(process.pid)
    assert process.poll() is None
    assert seen <= {"ok", "rejected", "error"}
    assert "ok" in seen
    with urllib.request.urlopen(f"{address}/health", timeout=30) as health:
        assert json.load(health)["status"] == "ok"
    assert "Traceback" not in log.read_text()
    return before, after


def test_a_kiosk_fed_damaged_films_goes_on_serving(kiosk, tally):
    serve_many(kiosk, SERVED_FILMS)
    tally(seed=SEED, films_served=SERVED_FILMS, crashes=0, tracebacks=0)


@pytest.mark.slow
def test_a_kiosk_fed_two_thousand_films_needs_no_more_memory_or_descriptors(kiosk, tally):
    before, after = serve_many(kiosk, MANY_SERVED_FILMS)
    assert after[1] <= before[1] + 4
    assert after[0] - before[0] < 3 * ALLOWED_GROWTH_MIB, f"{before} grew to {after}"
    mib_grown = round(after[0] - before[0], 1)
    tally(seed=SEED, films_served=MANY_SERVED_FILMS, mib_grown=mib_grown, crashes=0, tracebacks=0)
