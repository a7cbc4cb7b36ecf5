"""A fuzz target per format: plausible, wrong headers, in the worker, in `watch` and in the kiosk.

`make fuzz` runs the long ones: at least 1,000 files of every format.
"""

import json
import logging
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from plausible import plausible
from tests_support import ENVIRONMENT

from edge_app.errors import FilmError
from edge_app.imaging.decoder.pool import DecoderPool
from edge_app.imaging.formats.registry import film_formats
from edge_app.imaging.phantom import phantom_png

FORMATS = [film_format.name for film_format in film_formats()]
SEED, FEW, MANY = 20261125, 120, 1000
GOOD = phantom_png("viral", 1)


def files_of(kind: str, count: int, seed: int = SEED) -> list[bytes]:
    """Wrong files of a format, no two alike, the same on every run."""
    files: dict[bytes, None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("pydicom").setLevel(logging.CRITICAL)
        for index in range(10 * count):
            files[plausible(kind, np.random.default_rng([seed, FORMATS.index(kind), index]))] = None
            if len(files) == count:
                break
    return list(files)


def outcomes_in_worker(kind: str, count: int) -> Counter:
    """How often each outcome occurred; a worker may die of a file, and the next file must still be read."""
    pool, outcomes = DecoderPool(), Counter()
    try:
        for content in files_of(kind, count):
            try:
                pool.read(content, 256)
                outcomes["ok"] += 1
            except FilmError as error:
                outcomes[error.code] += 1
        pool.read(GOOD)
    finally:
        pool.close()
    return outcomes


@pytest.mark.parametrize("kind", FORMATS)
def test_a_wrong_header_gives_a_film_or_a_reason(kind, tally):
    outcomes = outcomes_in_worker(kind, FEW)
    assert sum(outcomes.values()) == FEW
    assert outcomes.get("ok", 0) < FEW, "the headers are wrong"
    assert not {"no_worker", "internal_error"} & set(outcomes)
    tally(seed=SEED, films_damaged=FEW, decoded=outcomes.get("ok", 0), refused=FEW - outcomes.get("ok", 0), untyped=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_many_wrong_headers_in_a_watched_folder_stop_nothing(kind, tmp_path):
    folder, suffix = tmp_path / "in", next(f.suffixes[0] for f in film_formats() if f.name == kind)
    folder.mkdir()
    for index, content in enumerate(files_of(kind, MANY)):
        (folder / f"{index:04}{suffix}").write_bytes(content)
    (folder / "good.png").write_bytes(GOOD)
    command = [sys.executable, "-m", "edge_app", "watch", str(folder), "--once", "--json", "--data-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=1200)
    answers = {Path(line["file"]).name: line for line in map(json.loads, done.stdout.splitlines())}
    assert answers["good.png"]["status"] == "ok"
    assert "Traceback" not in done.stderr
    assert not [line for line in answers.values() if line.get("reason", {}).get("code") == "internal_error"]
    assert len(answers) == MANY + 1
    print(kind, Counter(line.get("reason", {}).get("code", "ok") for line in answers.values()), done.stderr[-300:])


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_many_wrong_headers_in_the_kiosk_delay_no_other_film(kind, tmp_path):
    command = [sys.executable, "-m", "edge_app", "serve", "--port", "0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as kiosk:
        url = kiosk.stdout.readline().split()[-1]
        outcomes, waits = Counter(), []

        def post(content: bytes) -> dict:
            with urllib.request.urlopen(urllib.request.Request(f"{url}/films", content), timeout=100) as answer:
                return json.loads(answer.read())

        def send() -> None:
            for content in files:
                outcomes[post(content).get("reason", {}).get("code", "ok")] += 1

        files = files_of(kind, MANY, SEED + 1)
        assert post(GOOD)["status"] == "ok"
        before = _memory_mib(kiosk.pid)
        sender = threading.Thread(target=send)
        sender.start()
        while sender.is_alive():
            started = time.monotonic()
            assert post(GOOD)["status"] == "ok"
            waits.append(time.monotonic() - started)
            time.sleep(0.1)
        after = _memory_mib(kiosk.pid)
        assert urllib.request.urlopen(f"{url}/health").status == 200
        kiosk.terminate()
        log = kiosk.communicate(timeout=20)[1]
    assert sum(outcomes.values()) == MANY
    assert "internal_error" not in outcomes
    assert "Traceback" not in log
    assert max(waits) < 2
    assert after - before < 60, "the worker imported pydicom, and recent cases are kept"
    print(kind, outcomes, f"slowest other film {max(waits):.2f} s, memory {before} to {after} MiB")


def _memory_mib(pid: int) -> int:
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    statuses = [Path(f"/proc/{process}/status").read_text() for process in (pid, *children)]
    return sum(int(status.split("VmRSS:")[1].split()[0]) for status in statuses) // 1024
