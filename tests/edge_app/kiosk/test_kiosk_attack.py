"""Two minutes of attack from the clerk's own address: the clerk's films are answered, and memory stays small."""

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT

from edge_app.imaging.phantom import LABELS, PhantomStyle, phantom_png
from edge_app.records.database import open_store
from edge_app.records.readers import add_reader

WORKER = Path(__file__).with_name("attack_worker.py")
ATTACK_S = 120
MAX_P95_S, MAX_MB = 2.0, 300.0
FILM = PhantomStyle(width_px=1024, height_px=1024)


def resident_mb(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def cookie_of_a_clerk(kiosk, pin: str) -> str:
    address = urllib.parse.urlsplit(kiosk.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    form = urllib.parse.urlencode({"initials": "CL", "pin": pin})
    connection.request("POST", "/login", form, {"content-type": "application/x-www-form-urlencoded"})
    cookie = (connection.getresponse().getheader("set-cookie") or "").partition(";")[0]
    connection.close()
    return cookie


@pytest.mark.slow
@pytest.mark.parametrize(("options", "path"), [([], "/readers"), (["--lan"], "/login")], ids=["alone", "lan"])
def test_two_minutes_of_attack_do_not_keep_a_clerks_film_waiting(start_kiosk, tmp_path, options, path):
    store = open_store(tmp_path / "home")
    add_reader(store, "AB", "135792468")
    add_reader(store, "CL", "135792468", role="technician")
    store.close()
    films = [phantom_png(LABELS[seed % 3], seed, FILM) for seed in range(6)]
    with start_kiosk(*options) as kiosk:
        headers = {"Cookie": cookie_of_a_clerk(kiosk, "135792468")} if options else {}
        assert json.loads(kiosk.ask("/films", films[0], **headers)[1])["saved"]
        command = [sys.executable, WORKER, kiosk.url.rpartition(":")[2], path]
        with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as attack:
            try:
                taken_s, most_mb = [], 0.0
                end = time.monotonic() + ATTACK_S
                while time.monotonic() < end:
                    started = time.monotonic()
                    status, body, _ = kiosk.ask("/films", films[len(taken_s) % len(films)], **headers)
                    taken_s.append(time.monotonic() - started)
                    assert (status, json.loads(body)["saved"]) == (200, True)
                    assert kiosk.ask("/health")[0] == 200
                    most_mb = max(most_mb, resident_mb(kiosk.process.pid))
                    time.sleep(0.2)
                assert attack.poll() is None, "the attack ended early"
            finally:
                attack.kill()
        log = kiosk.log.stat().st_size
    p95_s = statistics.quantiles(taken_s, n=20)[-1]
    load = os.getloadavg()[0]
    print(
        f"{len(taken_s)} films: p50 {statistics.median(taken_s):.2f} s, p95 {p95_s:.2f} s, most {max(taken_s):.2f} s, "
        f"{most_mb:.0f} MB, log {log} bytes, load {load:.1f}"
    )
    assert len(taken_s) > ATTACK_S / 4
    assert p95_s < MAX_P95_S
    assert most_mb < MAX_MB
