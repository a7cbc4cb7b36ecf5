"""Many films and many clients: every film is answered once, and what goes wrong is counted."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests_support import run_python

from benchmarks.device import bulk, kiosk
from benchmarks.device.films import film_bytes
from benchmarks.device.kiosk_process import Kiosk
from benchmarks.device.worker_pool import chunks
from edge_app.system.child_process import ROOT


class FakeKiosk(BaseHTTPRequestHandler):
    """Answers every third film badly."""

    protocol_version = "HTTP/1.1"
    seen = 0

    def do_GET(self) -> None:
        self._answer(200, {"status": "ok"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        FakeKiosk.seen += 1
        if FakeKiosk.seen % 3 == 0:
            self._answer(503, {"status": "error", "reason": "busy"})
        else:
            self._answer(200, {"status": "ok"})

    def _answer(self, status: int, value: dict) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def fake_kiosk() -> Iterator[str]:
    FakeKiosk.seen = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeKiosk)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_film_that_a_kiosk_refuses_is_counted(fake_kiosk: str) -> None:
    row = kiosk.load(Kiosk(fake_kiosk, os.getpid(), 0.0), b"film", clients=2, seconds=0.5)
    assert row["answers"] + row["errors"] == FakeKiosk.seen
    assert row["errors"] == FakeKiosk.seen // 3 > 0
    assert "busy" in row["first_error"]
    assert 0 < row["median_ms"] <= row["p99_ms"] <= row["max_ms"]


def test_a_kiosk_that_does_not_start_is_a_row_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['gradio'] = None\n")
    words = ["kiosk", "--quick", "--json"]
    done = run_python("-m", "benchmarks", *words, cwd=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert done.returncode == 1
    assert "gradio" in json.loads(done.stdout)["rows"][0]["cannot_run"]


def test_memory_growth_is_the_slope_after_the_first_half() -> None:
    warming = [(films, 100.0 + films) for films in range(0, 500, 100)]
    steady = [(films, 600.0 + films / 500) for films in range(500, 1000, 100)]
    growth = kiosk.memory_growth([*warming, *steady])
    assert growth["mb_per_1000_films"] == pytest.approx(2.0, abs=0.01)
    assert kiosk.memory_growth([])["rss_mb"] is None


def test_chunks_hold_every_film_once() -> None:
    films = [str(number) for number in range(103)]
    parts = list(chunks(films, 10))
    assert [film for part in parts for film in part] == films
    assert max(map(len, parts)) == 10


def test_bulk_counts_films_without_an_answer_and_compares_the_engines(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.jpg").write_bytes(film_bytes("JPEG", 224, seed))
    (folder / "broken.jpg").write_bytes(b"no film")
    words = ["bulk", "--json", "--workers", "1", "2", "--folder", str(folder)]
    done = run_python("-m", "benchmarks", *words, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    rows = json.loads(done.stdout)["rows"]
    engines = [(row["engine"], row["workers"]) for row in rows]
    assert engines == [("processes", 1), ("processes", 2), ("dask", 1), ("dask", 2)]
    for row in rows:
        if row.get("cannot_run") != "distributed is not installed":
            assert (row["films"], row["without_answer"], row["same_answers"]) == (4, 1, True)


def test_scaling_is_against_one_worker_of_the_same_engine() -> None:
    rows = [
        {"engine": "processes", "workers": 1, "films_per_s": 100.0},
        {"engine": "processes", "workers": 2, "films_per_s": 180.0},
        {"engine": "dask", "workers": 2, "films_per_s": 150.0},
        {"engine": "dask", "workers": 1, "cannot_run": "why"},
    ]
    bulk.add_scaling(rows)
    assert [row.get("speedup") for row in rows] == [1.0, 1.8, None, None]


def test_the_kiosk_does_not_delay_small_answers() -> None:
    # asyncio sets TCP_NODELAY on connections of a listener only if its protocol is named; without it
    # every answer waited 40 ms for an acknowledgement (48 ms for /health, 3 ms since).
    server = pytest.importorskip("edge_app.kiosk.server")
    listener = server._listener("127.0.0.1", 0)
    try:
        assert listener.proto == socket.IPPROTO_TCP
    finally:
        listener.close()
