"""Load on a kiosk: some clients hand in film after film, each as soon as it has its answer.

Without `--url` a kiosk is started for this, with records in a folder that is removed afterwards. With
`--url` one that runs already is used, and keeps a draft record of every film it was handed.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any
from urllib.parse import urlsplit

NAME = "kiosk"
HELP = "load a kiosk with several clients: latency, errors, memory"
SIDE_PX = 1024
CLIENTS = (1, 2, 8)
SECONDS, QUICK_SECONDS = 20.0, 1.0
START_SECONDS = 120.0
SAMPLE_SECONDS = 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output.result_files import add_output_arguments

    parser.add_argument("--url", help="of a kiosk that runs; it keeps a record of every film")
    parser.add_argument("--pid", type=int, help="its process, to watch its memory")
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS), metavar="N", help=f"{CLIENTS}")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish.

    Returns:
        0 if every film got its answer, else 1.
    """
    from benchmarks.device.films import film_bytes
    from benchmarks.device.harness import machine as device
    from benchmarks.output import result_files as output

    film = film_bytes("JPEG", SIDE_PX)
    seconds = QUICK_SECONDS if args.quick else SECONDS
    result = output.heading(NAME, args) | {"device": device.facts(), "before": device.state()}
    try:
        if args.url:
            rows = measure(args.url, args.pid, film, args.clients, seconds)
        else:
            rows = measure_own(film, args.clients, seconds)
    except KioskUnavailable as cause:
        rows = [{"clients": 0, "cannot_run": str(cause)}]
    result |= {"after": device.state(), "film": f"JPEG {SIDE_PX} px", "rows": rows}
    output.publish(args, result, markdown(result))
    return int(any("cannot_run" in row or row["errors"] for row in rows))


class KioskUnavailable(Exception):
    """The kiosk does not answer; the message says what was tried."""


def measure_own(film: bytes, clients: list[int], seconds: float) -> list[dict[str, Any]]:
    """Start a kiosk on a free port, load it, stop it.

    Raises:
        KioskUnavailable: it does not start; its last words are in the message.
    """
    from benchmarks.device.harness.interleave import child_environment

    words = [sys.executable, "-m", "edge_app", "serve", "--port", "0"]
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as log:
        environment = child_environment() | {"CXR_EDGE_HOME": home, "PYTHONUNBUFFERED": "1"}
        started = time.perf_counter()
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, env=environment, text=True)
        try:
            url = _address(child, log)
            _wait_until_healthy(url)
            ready_s = time.perf_counter() - started
            rows = measure(url, child.pid, film, clients, seconds)
        finally:
            child.terminate()
            child.wait(timeout=30)
            if child.stdout:
                child.stdout.close()
    return [row | {"ready_s": round(ready_s, 2)} for row in rows]


def _address(child: subprocess.Popen[str], log: Any) -> str:
    """The kiosk says where it is in the first line it writes."""
    assert child.stdout
    line = child.stdout.readline()
    if " at http://" not in line:
        child.wait(timeout=30)
        log.seek(0)
        lines = log.read().decode(errors="replace").strip().splitlines()
        raise KioskUnavailable(f"the kiosk did not start: {lines[-1] if lines else line.strip()}")
    return "http://" + line.strip().rpartition(" at http://")[2]


def _wait_until_healthy(url: str) -> None:
    last = "no answer"
    until = time.perf_counter() + START_SECONDS
    while time.perf_counter() < until:
        try:
            status, answer = _health(url)
            if status == 200:
                return
            last = str(answer)
        except OSError as cause:
            last = str(cause)
        time.sleep(0.05)
    raise KioskUnavailable(f"{url}/health: {last}")


def measure(url: str, pid: int | None, film: bytes, clients: list[int], seconds: float) -> list[dict[str, Any]]:
    """One row a number of clients.

    Raises:
        KioskUnavailable: nothing answers at the address.
    """
    try:
        _health(url)
    except OSError as cause:
        raise KioskUnavailable(f"{url}: {cause}") from cause
    return [load(url, pid, film, count, seconds) for count in clients]


def load(url: str, pid: int | None, film: bytes, clients: int, seconds: float) -> dict[str, Any]:
    """Let some clients hand in films for some time."""
    taken_ms: list[float] = []
    errors: list[str] = []
    until = time.perf_counter() + seconds

    def client() -> None:
        connection = _connection(url)
        while time.perf_counter() < until:
            started = time.perf_counter()
            problem = _hand_in(connection, film)
            if problem:
                errors.append(problem)
                connection.close()
                connection = _connection(url)
            else:
                taken_ms.append(1e3 * (time.perf_counter() - started))
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    samples = _watch(pid, until, taken_ms)
    for thread in threads:
        thread.join()
    return _row(clients, seconds, taken_ms, errors, samples)


def request(connection: http.client.HTTPConnection, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """One request; the answer as JSON.

    Raises:
        OSError: no connection, or an answer that is no JSON.
    """
    headers = {"Content-Type": "application/octet-stream"} if body else {}
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (http.client.HTTPException, ValueError) as cause:
        raise OSError(f"{type(cause).__name__}: {cause}") from cause
    return response.status, answer


def _hand_in(connection: http.client.HTTPConnection, film: bytes) -> str | None:
    """None if the film got its answer, else what went wrong."""
    try:
        status, answer = request(connection, "POST", "/films", film)
    except OSError as cause:
        return str(cause)
    return None if status == 200 and answer.get("status") == "ok" else f"{status} {answer}"


def _health(url: str) -> tuple[int, dict[str, Any]]:
    connection = _connection(url)
    try:
        return request(connection, "GET", "/health", b"")
    finally:
        connection.close()


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=60)


def _watch(pid: int | None, until: float, taken_ms: list[float]) -> list[tuple[int, float]]:
    """Films answered so far and the kiosk's resident memory in MB, now and then."""
    from benchmarks.device.harness.machine import memory_kb

    samples = []
    while time.perf_counter() < until:
        memory = memory_kb(pid) if pid else None
        if memory:
            samples.append((len(taken_ms), memory["rss"] / 1024))
        time.sleep(SAMPLE_SECONDS)
    return samples


def _row(
    clients: int, seconds: float, taken_ms: list[float], errors: list[str], samples: list[tuple[int, float]]
) -> dict[str, Any]:
    import numpy as np

    row: dict[str, Any] = {"clients": clients, "seconds": seconds, "answers": len(taken_ms), "errors": len(errors)}
    row["first_error"] = errors[0] if errors else None
    if taken_ms:
        percentiles = zip(("median_ms", "p90_ms", "p99_ms"), np.percentile(taken_ms, [50, 90, 99]), strict=True)
        row |= {name: round(float(value), 2) for name, value in percentiles}
        row |= {"max_ms": round(max(taken_ms), 2), "answers_per_s": round(len(taken_ms) / seconds, 1)}
    return row | memory_growth(samples)


def memory_growth(samples: list[tuple[int, float]]) -> dict[str, float | None]:
    """Resident memory at the end, and how much it grows in 1,000 films, by a straight line.

    The first half of the samples is left out: caches and pools fill up there.
    """
    import numpy as np

    late = samples[len(samples) // 2 :]
    if len(late) < 3 or late[0][0] == late[-1][0]:
        return {"rss_mb": round(late[-1][1], 1) if late else None, "mb_per_1000_films": None}
    slope = float(np.polyfit([films for films, _ in late], [mb for _, mb in late], 1)[0])
    return {"rss_mb": round(late[-1][1], 1), "mb_per_1000_films": round(1000 * slope, 3)}


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    from benchmarks.output.result_files import device_line

    ready = result["rows"][0].get("ready_s")
    started = f" From its start to a healthy answer: {ready} s." if ready else ""
    head = f"# Load on a kiosk\n\n{device_line(result)}. Films: {result['film']}.{started}\n\n"
    return head + rows_table(result["rows"])


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a number of clients."""
    from benchmarks.output.result_files import figure, table

    names = ("median_ms", "p90_ms", "p99_ms", "max_ms", "answers_per_s", "rss_mb", "mb_per_1000_films")
    head = ["clients", "answers", "errors", "p50 ms", "p90", "p99", "max", "per s", "memory MB", "MB per 1,000 films"]
    body = []
    for row in rows:
        if "cannot_run" in row:
            body.append(["-", row["cannot_run"], *[""] * (len(head) - 2)])
        else:
            counts = [str(row[name]) for name in ("clients", "answers", "errors")]
            body.append([*counts, *(figure(row.get(name)) for name in names)])
    return table(head, body)
