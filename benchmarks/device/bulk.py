"""A folder of many films: films per second by number of workers, on this machine or on several.

The films are phantoms, 200 drawn and the rest the same ones under other names. Time counts from the
call to the last answer, so starting the workers and loading the model is in it.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAME = "bulk"
HELP = "score a folder of many films with several workers, by processes and by Dask"
FILMS, QUICK_FILMS, DRAWN = 10_000, 200, 200
SIDE_PX = 1024
PLANNED_FILMS, PLANNED_WORKERS = 10_000_000, (1, 8, 64, 512)
PROCESSES, DASK = "processes", "dask"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output.result_files import add_output_arguments

    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="the shipped one by default")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="films to score instead of phantoms")
    parser.add_argument(
        "--films", type=int, default=FILMS, metavar="N", help="how many phantoms (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask cluster, as tcp://10.0.0.1:8786")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish.

    Returns:
        0 if both engines that ran gave the same answers and every film got one, else 1.
    """
    from benchmarks.device.harness import machine as device
    from benchmarks.output import result_files as output
    from edge_app.model.bundle import read_bundle, shipped_bundle_path

    bundle = read_bundle(args.model or shipped_bundle_path())
    result = output.heading(NAME, args) | {"device": device.facts(), "before": device.state()}
    with tempfile.TemporaryDirectory() as temporary:
        count = QUICK_FILMS if args.quick else args.films
        paths = films_in(args.folder) if args.folder else write_films(Path(temporary), count)
        mean_film_kb = sum(Path(path).stat().st_size for path in paths) / len(paths) / 1024
        rows = measure(paths, str(bundle.path.resolve()), args.workers, args.scheduler)
    result |= {"after": device.state(), "films": f"JPEG {SIDE_PX} px" if not args.folder else str(args.folder)}
    result |= {"mean_film_kb": round(mean_film_kb, 1), "rows": rows}
    output.publish(args, result, markdown(result))
    ran = [row for row in rows if "cannot_run" not in row]
    return int(not ran or any(row["without_answer"] or not row["same_answers"] for row in ran))


def films_in(folder: Path) -> list[str]:
    """Every film in a folder, as `predict` would find them."""
    from edge_app.commands.predict import walk
    from edge_app.errors import DataError

    paths = [str(path.resolve()) for path in walk([folder])]
    if not paths:
        raise DataError(f"{folder} holds no film")
    return paths


def write_films(folder: Path, count: int) -> list[str]:
    """`count` files; beyond the drawn ones they are the same films under other names."""
    from benchmarks.device.films import film_bytes

    paths: list[str] = []
    for index in range(count):
        path = folder / f"film-{index:05d}.jpg"
        if index < DRAWN:
            path.write_bytes(film_bytes("JPEG", SIDE_PX, seed=index))
        else:
            path.hardlink_to(paths[index % DRAWN])
        paths.append(str(path))
    return paths


def measure(paths: list[str], model: str, workers: list[int], scheduler: str | None) -> list[dict[str, Any]]:
    """One row an engine and number of workers; every row's answers are held against the first one's."""
    from benchmarks.device.worker_pool import score_in_pool, score_with_dask

    def dask(count: int) -> Any:
        return score_with_dask(paths, model, count, scheduler)

    runs: list[tuple[str, int, Callable[[int], Any]]] = [
        (PROCESSES, count, lambda count: score_in_pool(paths, model, count)) for count in workers
    ]
    runs += [(DASK, count, dask) for count in ([0] if scheduler else workers)]
    rows: list[dict[str, Any]] = []
    expected: list[Any] | None = None
    for engine, count, score in runs:
        row: dict[str, Any] = {"engine": engine, "workers": count or scheduler, "films": len(paths)}
        started = time.perf_counter()
        try:
            answers = score(count)
        except ImportError as cause:
            rows.append(row | {"cannot_run": f"{cause.name} is not installed"})
            continue
        seconds = time.perf_counter() - started
        expected = expected or answers
        rows.append(row | _figures(answers, expected, seconds))
    add_scaling(rows)
    return rows


def _figures(answers: list[Any], expected: list[Any], seconds: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 2),
        "films_per_s": round(len(answers) / seconds, 1),
        "without_answer": sum(status != "ok" for _, status, _ in answers),
        "same_answers": answers == expected,
    }


def add_scaling(rows: list[dict[str, Any]]) -> None:
    """Write into every row how many times faster it is than one worker of the same engine."""
    single = {row["engine"]: row["films_per_s"] for row in rows if row["workers"] == 1 and "films_per_s" in row}
    for row in rows:
        if "films_per_s" in row and row["engine"] in single:
            row["speedup"] = round(row["films_per_s"] / single[row["engine"]], 3)


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    from benchmarks.output.result_files import device_line

    return f"# Many films\n\n{device_line(result)}. Films: {result['films']}.\n\n{rows_table(result['rows'])}"


def plan_table(result: dict[str, Any]) -> str:
    """Ten million films at the rate of one worker, by number of workers."""
    from benchmarks.output.result_files import figure, table

    single = next(row for row in result["rows"] if row["workers"] == 1 and "films_per_s" in row)
    body = []
    for workers in PLANNED_WORKERS:
        films_per_s = workers * single["films_per_s"]
        mb_per_s = films_per_s * result["mean_film_kb"] / 1024
        body.append([str(workers), figure(films_per_s), figure(PLANNED_FILMS / films_per_s / 3600), figure(mb_per_s)])
    return table(["workers", "films per s", "hours", "MB per s read"], body)


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a row."""
    from benchmarks.output.result_files import figure, table

    head = [
        "engine",
        "workers",
        "films",
        "seconds",
        "films per s",
        "times one worker",
        "without answer",
        "same answers",
    ]
    body = []
    for row in rows:
        start = [row["engine"], str(row["workers"]), str(row["films"])]
        if "cannot_run" in row:
            body.append([*start, row["cannot_run"], "", "", "", ""])
            continue
        figures = [figure(row["seconds"]), figure(row["films_per_s"]), figure(row.get("speedup"))]
        body.append([*start, *figures, str(row["without_answer"]), "yes" if row["same_answers"] else "NO"])
    return table(head, body)
