"""Tables of measured speed for the documentation: each answers one question, in six columns at most.

Each function takes the rows of one committed result. A row that could not run shows why.
"""

from typing import Any

from benchmarks.device.bulk import yes_or_no
from benchmarks.device.compare import GOAL_ENGINE
from benchmarks.device.harness.engines import ENGINES
from benchmarks.device.latency import LABELS, delegated
from benchmarks.device.pipeline import moved
from benchmarks.device.roofline import millions
from benchmarks.output.markdown import engine_of, interval, measured_table, number, ratio_of, table, words

Rows = list[dict[str, Any]]


def latency(rows: Rows) -> str:
    """How long does one inference take?"""
    heads = {"median_ms": "p50 ms", "p99_ms": "p99 ms", "max_ms": "max ms"}
    figures = {head: number("latency_metrics", name) for name, head in heads.items()}
    return measured_table(rows, LABELS, figures, text_columns=2)


def latency_start(rows: Rows) -> str:
    """What does it cost to load the model?"""
    figures = {
        "load ms": number("latency_metrics", "init_ms"),
        "first inference ms": number("latency_metrics", "first_inference_ms"),
        "peak MB": number("memory_metrics", "peak_mem_mb"),
    }
    return measured_table(rows, LABELS, figures, text_columns=2)


def latency_delegated(rows: Rows) -> str:
    """How many operators does XNNPACK take over?"""
    found = {(row["name"], engine_of(row)): delegated(row) for row in rows if row.get("ops")}
    return table(["model", "runtime", "operators delegated"], [[*key, share] for key, share in found.items()], 2)


def compare(rows: Rows) -> str:
    """How many times as long as the shipped file does each network take, by engine?"""
    engines = [engine for engine in ENGINES if any(row.get("engine") == engine for row in rows)]
    body = []
    for title, kind in dict.fromkeys((row["title"], row["kind"]) for row in rows):
        found = {row.get("engine"): row for row in rows if (row["title"], row["kind"]) == (title, kind)}
        body.append([title, kind, *(_ratio(found.get(engine)) for engine in engines)])
    return table(["network", "kind", *engines], body, text_columns=2)


def compare_size(rows: Rows) -> str:
    """How large is each network, in the file and in memory (LiteRT)?"""
    figures = {"file MB": number("misc_metrics", "model_size_mb"), "peak MB": number("memory_metrics", "peak_mem_mb")}
    labels = {"network": words("title"), "kind": words("kind"), "input": words("input")}
    return measured_table([row for row in rows if row.get("engine") == GOAL_ENGINE], labels, figures, text_columns=3)


def pipeline(rows: Rows) -> str:
    """How long does it take from file to answer, against the bare decode?"""
    figures = {
        "file KB": words("file_kb"),
        "to answer ms": number("median_ms"),
        "bare decode ms": number("floor_ms"),
        "ratio": ratio_of("times_floor"),
        "P(pneumonia) moved": moved,
    }
    return measured_table(rows, {"film": words("name")}, figures)


def pipeline_steps(rows: Rows) -> str:
    """On which step does the time go?"""
    heads = {
        "read": "read ms",
        "locate": "locate ms",
        "preprocess": "preprocess ms",
        "infer": "infer ms",
        "post": "heatmap and decision ms",
    }
    figures = {head: number("steps_ms", step) for step, head in heads.items()}
    return measured_table(rows, {"film": words("name")}, figures)


def roofline(rows: Rows) -> str:
    """How near does the network come to a plain matrix product?"""
    share = ratio_of("share_of_matmul")
    figures = {"million MACs": millions, "Gop/s": number("gops"), "share of the product's rate": share}
    return measured_table(rows, {"what": words("name"), "runtime": engine_of}, figures, text_columns=2)


def kiosk(rows: Rows) -> str:
    """How long does a client wait?"""
    figures = {
        "errors": words("errors"),
        "p50 ms": number("median_ms"),
        "p99 ms": number("p99_ms"),
        "max ms": number("max_ms"),
        "answers per s": number("answers_per_s"),
    }
    return measured_table(rows, {"clients": words("clients")}, figures)


def kiosk_memory(rows: Rows) -> str:
    """Does the kiosk's memory grow?"""
    figures = {
        "films answered": words("answers"),
        "memory MB": number("rss_mb"),
        "growth, MB per 1,000 films": number("mb_per_1000_films"),
    }
    return measured_table(rows, {"clients": words("clients")}, figures)


def bulk(rows: Rows) -> str:
    """What do more workers bring?"""
    figures = {
        "films per s": number("films_per_s"),
        "speed-up": number("speedup"),
        "films without answer": words("without_answer"),
        "same answers": yes_or_no,
    }
    return measured_table(rows, {"engine": words("engine"), "workers": words("workers")}, figures)


def _ratio(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return str(row.get("cannot_run") or interval(row.get("times_shipped")))
