"""Load on a kiosk: clients upload film after film, each as soon as it has its answer.

The kiosk is started for this, with records in a temporary folder: it keeps a draft record of every film.
"""

import http.client
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.device.films import film_bytes
from benchmarks.device.harness.candidate import CannotRun, Progress
from benchmarks.device.harness.machine import memory_kb
from benchmarks.device.kiosk_process import Kiosk, connect, request, started_kiosk
from benchmarks.output.markdown import measured_table, number, page, words
from benchmarks.output.statistics import percentiles

SIDE_PX = 1024
SECONDS, QUICK_SECONDS = 20.0, 1.0
SAMPLE_SECONDS = 0.25


@dataclass(frozen=True)
class KioskOptions:
    """How to load it."""

    clients: tuple[int, ...]  # at the same time, 1 or more each
    seconds: float = SECONDS  # per number of clients


def measure(options: KioskOptions, progress: Progress) -> dict[str, Any]:
    """Load the kiosk with each number of clients.

    Returns:
        `film` and `rows`; one row with `cannot_run` where no kiosk starts.
    """
    film = film_bytes("JPEG", SIDE_PX)
    rows: list[dict[str, Any]] = []
    try:
        with started_kiosk() as kiosk:
            for clients in options.clients:
                progress(f"clients: {clients}")
                rows.append(load(kiosk, film, clients, options.seconds))
    except CannotRun as cause:
        rows = [{"cannot_run": str(cause)}]
    return {"film": f"JPEG {SIDE_PX} px", "rows": rows}


def succeeded(rows: list[dict[str, Any]]) -> bool:
    """Whether every film got its answer."""
    return not any("cannot_run" in row or row["errors"] for row in rows)


def load(kiosk: Kiosk, film: bytes, clients: int, seconds: float) -> dict[str, Any]:
    """Let clients upload films for some seconds."""
    answered_ms: list[float] = []
    errors: list[str] = []
    until = time.perf_counter() + seconds

    def client() -> None:
        connection = connect(kiosk.url)
        while time.perf_counter() < until:
            started = time.perf_counter()
            problem = _upload(connection, film)
            if problem:
                errors.append(problem)
                connection.close()
                connection = connect(kiosk.url)
            else:
                answered_ms.append(1e3 * (time.perf_counter() - started))
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    samples = _memory_samples(kiosk.pid, until, answered_ms)
    for thread in threads:
        thread.join()
    return _row(clients, seconds, answered_ms, errors, samples) | {"ready_s": round(kiosk.ready_s, 2)}


def _upload(connection: http.client.HTTPConnection, film: bytes) -> str | None:
    """None if the film got its answer, else what went wrong."""
    try:
        status, answer = request(connection, "POST", "/films", film)
    except OSError as cause:
        return str(cause)
    return None if status == 200 and answer.get("status") == "ok" else f"{status} {answer}"


def _memory_samples(pid: int, until: float, answered_ms: list[float]) -> list[tuple[int, float]]:
    """Films answered so far and the kiosk's resident memory in MB, every `SAMPLE_SECONDS`."""
    samples = []
    while time.perf_counter() < until:
        memory = memory_kb(pid)
        if memory:
            samples.append((len(answered_ms), memory["rss"] / 1024))
        time.sleep(SAMPLE_SECONDS)
    return samples


def _row(
    clients: int, seconds: float, answered_ms: list[float], errors: list[str], samples: list[tuple[int, float]]
) -> dict[str, Any]:
    row: dict[str, Any] = {"clients": clients, "seconds": seconds, "answers": len(answered_ms), "errors": len(errors)}
    row["first_error"] = errors[0] if errors else None
    if answered_ms:
        row |= percentiles(answered_ms, {"median_ms": 50, "p90_ms": 90, "p99_ms": 99}, digits=2)
        row |= {"max_ms": round(max(answered_ms), 2), "answers_per_s": round(len(answered_ms) / seconds, 1)}
    return row | memory_growth(samples)


def memory_growth(samples: list[tuple[int, float]]) -> dict[str, float | None]:
    """Resident memory at the end, and its growth per 1,000 films by a straight line.

    Args:
        samples: films answered and resident memory in MB. The first half is left out: caches and pools
            fill up in it.
    """
    late = samples[len(samples) // 2 :]
    if len(late) < 3 or late[0][0] == late[-1][0]:
        return {"rss_mb": round(late[-1][1], 1) if late else None, "mb_per_1000_films": None}
    slope = float(np.polyfit([films for films, _ in late], [mb for _, mb in late], 1)[0])
    return {"rss_mb": round(late[-1][1], 1), "mb_per_1000_films": round(1000 * slope, 3)}


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    ready = result["rows"][0].get("ready_s")
    sentences = [f"Films: {result['film']}."] + ([f"From its start to a healthy answer: {ready} s."] if ready else [])
    return page("Load on a kiosk", result, rows_table(result["rows"]), *sentences)


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per number of clients."""
    figures = {
        "answers": words("answers"),
        "errors": words("errors"),
        "p50 ms": number("median_ms"),
        "p90": number("p90_ms"),
        "p99": number("p99_ms"),
        "max": number("max_ms"),
        "per s": number("answers_per_s"),
        "memory MB": number("rss_mb"),
        "MB per 1,000 films": number("mb_per_1000_films"),
    }
    return measured_table(rows, {"clients": words("clients")}, figures)
