"""Tables of measured speed for the documentation: each answers one question, in six columns at most.

Each function takes the rows of one committed result. A row that could not run shows why.
"""

from typing import Any

from benchmarks.device.compare import GOAL_ENGINE
from benchmarks.device.harness.engines import ENGINES
from benchmarks.output.markdown import figure, interval, table

Rows = list[dict[str, Any]]


def latency(rows: Rows) -> str:
    """How long does one inference take?"""
    names = ("median_ms", "p99_ms", "max_ms")
    body = [
        [*_of_latency(row), *_cells(row, [figure(row["latency_metrics"][name]) for name in names] if _ran(row) else [])]
        for row in rows
    ]
    return table(["model", "runtime", "threads", "p50 ms", "p99 ms", "max ms"], body, text_columns=2)


def latency_start(rows: Rows) -> str:
    """What does it cost to load the model?"""
    body = []
    for row in rows:
        cells = []
        if _ran(row):
            metrics, memory = row["latency_metrics"], row["memory_metrics"]
            cells = [figure(metrics["init_ms"]), figure(metrics["first_inference_ms"])]
            cells += [figure(memory and memory["peak_mem_mb"])]
        body.append([*_of_latency(row), *_cells(row, cells)])
    head = ["model", "runtime", "threads", "load ms", "first inference ms", "peak MB"]
    return table(head, body, text_columns=2)


def latency_delegated(rows: Rows) -> str:
    """How many operators does XNNPACK take over?"""
    found = {}
    for row in rows:
        if _ran(row) and row["ops"]:
            share = f"{row['ops']['delegated']} of {row['ops']['total']}"
            found[row["name"], row["engine_version"]] = share
    return table(["model", "runtime", "operators delegated"], [[*key, share] for key, share in found.items()], 2)


def compare(rows: Rows) -> str:
    """How many times as long as the shipped file does each network take, by engine?"""
    engines = [engine for engine in ENGINES if any(row.get("engine") == engine for row in rows)]
    body = []
    for title, kind in _networks(rows):
        found = {row.get("engine"): row for row in rows if (row["title"], row["kind"]) == (title, kind)}
        cells = [_ratio(found.get(engine)) for engine in engines]
        body.append([title, kind, *cells])
    return table(["network", "kind", *engines], body, text_columns=2)


def compare_size(rows: Rows) -> str:
    """How large is each network, in the file and in memory (LiteRT)?"""
    body = []
    for row in rows:
        if row.get("engine") != GOAL_ENGINE:
            continue
        memory = row.get("memory_metrics")
        cells = [figure(row["misc_metrics"]["model_size_mb"]), figure(memory and memory["peak_mem_mb"])]
        body.append([row["title"], row["kind"], row.get("input", "-"), *(cells if _ran(row) else ["-", "-"])])
    return table(["network", "kind", "input", "file MB", "peak MB"], body, text_columns=3)


def pipeline(rows: Rows) -> str:
    """How long does it take from file to answer, against the bare decode?"""
    body = []
    for row in rows:
        cells = []
        if _ran(row):
            cells = [str(row["file_kb"]), figure(row["median_ms"]), figure(row["floor_ms"])]
            cells += [interval(row["times_floor"]), f"{row['answer_moved']:.3f}"]
        body.append([row["name"], *_cells(row, cells, 5)])
    return table(["film", "file KB", "to answer ms", "bare decode ms", "ratio", "P(pneumonia) moved"], body)


def pipeline_steps(rows: Rows) -> str:
    """On which step does the time go?"""
    names = ("read", "preprocess", "infer", "post")
    body = [
        [row["name"], *_cells(row, [figure(row["steps_ms"][name]) for name in names] if _ran(row) else [], 4)]
        for row in rows
    ]
    return table(["film", "read ms", "preprocess ms", "infer ms", "heatmap and decision ms"], body)


def roofline(rows: Rows) -> str:
    """How near does the network come to a plain matrix product?"""
    body = []
    for row in rows:
        cells = []
        if _ran(row):
            millions = row["macs"] / 1e6 if row.get("macs") else None
            cells = [figure(millions), figure(row.get("gops")), interval(row.get("share_of_matmul"))]
        body.append([row["name"], _engine(row), *_cells(row, cells)])
    head = ["what", "runtime", "million MACs", "Gop/s", "share of the product's rate"]
    return table(head, body, text_columns=2)


def kiosk(rows: Rows) -> str:
    """How long does a client wait?"""
    body = []
    for row in rows:
        cells = []
        if _ran(row):
            cells = [str(row["errors"]), *(figure(row[name]) for name in ("median_ms", "p99_ms", "max_ms"))]
            cells += [figure(row["answers_per_s"])]
        body.append([str(row.get("clients", "-")), *_cells(row, cells, 5)])
    return table(["clients", "errors", "p50 ms", "p99 ms", "max ms", "answers per s"], body)


def kiosk_memory(rows: Rows) -> str:
    """Does the kiosk's memory grow?"""
    body = []
    for row in rows:
        cells = [str(row["answers"]), figure(row["rss_mb"]), figure(row.get("mb_per_1000_films"))] if _ran(row) else []
        body.append([str(row.get("clients", "-")), *_cells(row, cells)])
    return table(["clients", "films answered", "memory MB", "growth, MB per 1,000 films"], body)


def bulk(rows: Rows) -> str:
    """What do more workers bring?"""
    body = []
    for row in rows:
        cells = []
        if _ran(row):
            cells = [figure(row["films_per_s"]), figure(row.get("speedup")), str(row["without_answer"])]
            cells += ["yes" if row["same_answers"] else "NO"]
        body.append([row["engine"], str(row["workers"]), *_cells(row, cells, 4)])
    return table(["engine", "workers", "films per s", "speed-up", "films without answer", "same answers"], body)


def _ran(row: dict[str, Any]) -> bool:
    return "cannot_run" not in row


def _cells(row: dict[str, Any], cells: list[str], columns: int = 3) -> list[str]:
    """The figures of a row, or the reason why it could not run and empty cells."""
    return cells if _ran(row) else [row["cannot_run"], *[""] * (columns - 1)]


def _engine(row: dict[str, Any]) -> str:
    return str(row.get("engine_version") or row.get("engine", "-"))


def _of_latency(row: dict[str, Any]) -> list[str]:
    return [row["name"], _engine(row), str(row.get("threads", "-"))]


def _networks(rows: Rows) -> list[tuple[str, str]]:
    """Title and kind of each network, in the order of the rows."""
    return list(dict.fromkeys((row["title"], row["kind"]) for row in rows))


def _ratio(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return interval(row.get("times_shipped")) if _ran(row) else str(row["cannot_run"])
