"""A folder of many films: films per second by number of workers, on this machine or on several.

The films are phantoms: 200 are drawn, and the rest are the same ones under other names. Time counts
from the call to the last prediction, so it includes starting the workers and loading the model.
"""

import functools
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.device.films import film_bytes
from benchmarks.device.harness.candidate import Progress
from benchmarks.device.worker_pool import Prediction, score_in_pool, score_with_dask
from benchmarks.output.markdown import figure, measured_table, number, page, table, words
from edge_app.commands.predict import walk
from edge_app.errors import DataError
from edge_app.model.bundle import read_bundle, shipped_bundle_path

QUICK_FILMS, DRAWN = 200, 200
SIDE_PX = 1024
PLANNED_FILMS, PLANNED_WORKERS = 10_000_000, (1, 8, 64, 512)


@dataclass(frozen=True)
class BulkOptions:
    """What to score, and with how many workers."""

    model: Path | None  # a bundle; None: the shipped one
    folder: Path | None  # films; None: phantoms
    films: int  # how many phantoms, 1 or more
    workers: tuple[int, ...]  # 1 or more each
    scheduler: str | None  # address of a running Dask cluster; None: Dask on this machine


def measure(options: BulkOptions, progress: Progress) -> dict[str, Any]:
    """Score the films with each engine and number of workers.

    Returns:
        `films`, `mean_film_kb` and `rows`.
    Raises:
        BundleError: the bundle is missing or damaged.
        DataError: the folder holds no film.
    """
    bundle = read_bundle(options.model or shipped_bundle_path())
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder
        found = walk([folder]) if folder else write_films(Path(temporary), options.films)
        paths = [str(Path(path).resolve()) for path in found]
        if not paths:
            raise DataError(f"{folder} holds no film")
        mean_film_kb = sum(Path(path).stat().st_size for path in paths) / len(paths) / 1024
        rows = measure_engines(paths, str(bundle.path.resolve()), options, progress)
    films = str(options.folder) if options.folder else f"JPEG {SIDE_PX} px"
    return {"films": films, "mean_film_kb": round(mean_film_kb, 1), "rows": rows}


def succeeded(rows: list[dict[str, Any]]) -> bool:
    """Whether an engine ran, every film was scored, and all engines that ran agree."""
    ran = [row for row in rows if "cannot_run" not in row]
    return bool(ran) and not any(row["without_answer"] or not row["same_answers"] for row in ran)


def write_films(folder: Path, count: int) -> list[str]:
    """Write `count` phantoms; those beyond the drawn ones are the same films under other names."""
    paths: list[str] = []
    for index in range(count):
        path = folder / f"film-{index:05d}.jpg"
        if index < DRAWN:
            path.write_bytes(film_bytes("JPEG", SIDE_PX, seed=index))
        else:
            path.hardlink_to(paths[index % DRAWN])
        paths.append(str(path))
    return paths


def measure_engines(paths: list[str], model: str, options: BulkOptions, progress: Progress) -> list[dict[str, Any]]:
    """One row per engine and number of workers; every row's predictions are compared with the first one's."""
    score: dict[str, Callable[..., list[Prediction]]] = {
        "processes": score_in_pool,
        "dask": functools.partial(score_with_dask, scheduler=options.scheduler),
    }
    runs = [("processes", count) for count in options.workers]
    runs += [("dask", count) for count in ([0] if options.scheduler else options.workers)]
    rows: list[dict[str, Any]] = []
    expected: list[Prediction] = []
    for engine, count in runs:
        row: dict[str, Any] = {"engine": engine, "workers": count or options.scheduler, "films": len(paths)}
        progress(f"{engine}, workers: {row['workers']}")
        started = time.perf_counter()
        try:
            predictions = score[engine](paths, model, count)
        except ImportError as cause:
            rows.append(row | {"cannot_run": f"{cause.name} is not installed"})
            continue
        seconds = time.perf_counter() - started
        expected = expected or predictions
        rows.append(row | _figures(predictions, expected, seconds))
    add_scaling(rows)
    return rows


def _figures(predictions: list[Prediction], expected: list[Prediction], seconds: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 2),
        "films_per_s": round(len(predictions) / seconds, 1),
        "without_answer": sum(status != "ok" for _, status, _ in predictions),
        "same_answers": predictions == expected,
    }


def add_scaling(rows: list[dict[str, Any]]) -> None:
    """Write into every row how many times as fast it is as one worker of the same engine."""
    single = {row["engine"]: row["films_per_s"] for row in rows if row["workers"] == 1 and "films_per_s" in row}
    for row in rows:
        if "films_per_s" in row and row["engine"] in single:
            row["speedup"] = round(row["films_per_s"] / single[row["engine"]], 3)


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    return page("Many films", result, rows_table(result["rows"]), f"Films: {result['films']}.")


def plan_table(result: dict[str, Any]) -> str:
    """Ten million films at the rate of one worker, by number of workers."""
    single = next(row for row in result["rows"] if row["workers"] == 1 and "films_per_s" in row)
    body = []
    for workers in PLANNED_WORKERS:
        films_per_s = workers * single["films_per_s"]
        mb_per_s = films_per_s * result["mean_film_kb"] / 1024
        body.append([str(workers), figure(films_per_s), figure(PLANNED_FILMS / films_per_s / 3600), figure(mb_per_s)])
    return table(["workers", "films per s", "hours", "MB per s read"], body)


def yes_or_no(row: dict[str, Any]) -> str:
    """The cell that says whether a row's predictions are those of the first row."""
    return "yes" if row["same_answers"] else "NO"


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per engine and number of workers."""
    labels = {name: words(name) for name in ("engine", "workers", "films")}
    figures = {
        "seconds": number("seconds"),
        "films per s": number("films_per_s"),
        "times one worker": number("speedup"),
        "without answer": words("without_answer"),
        "same answers": yes_or_no,
    }
    return measured_table(rows, labels, figures)
