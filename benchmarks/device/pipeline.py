"""From a film's file to its prediction, split by step, against the bare decode of the same bytes.

The reference is the least work of any program that reads every pixel of the file: Pillow's own decode
at full size, or pydicom's. The kit can be faster, because it requests only the pixels that the model needs from
the JPEG decoder; `answer_moved` is how far that moves P(pneumonia).
"""

import io
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.device.films import SUFFIXES, film_bytes
from benchmarks.device.harness.candidate import Progress
from benchmarks.device.harness.interleave import shuffled_rounds
from benchmarks.device.reduced_scale import prediction_moved, reduced_scale, reduced_scale_words
from benchmarks.output.goals import NOT_MEASURED, Goal, verdict
from benchmarks.output.markdown import measured_table, number, page, ratio_of, words
from benchmarks.output.plot import bars
from benchmarks.output.statistics import median, ratio
from edge_app.errors import FilmError
from edge_app.reading.predictor import Predictor, load_predictor

SIDES_PX = (512, 1024, 2048, 3000)
ROUNDS, QUICK_ROUNDS = 30, 3
STEPS = ("read", "locate", "preprocess", "infer", "post")
GOAL = Goal("file to answer for a 2048 px JPEG takes at most 1.25 times the bare decode of the same bytes", 1.25)
GOAL_ROW = ("JPEG", 2048)
ORDER_SEED = 4
# Names of the medians per round, by what was timed and by clock.
CLOCKS = {"prediction": ("median_ms", "cpu_median_ms"), "bare decode": ("floor_ms", "floor_cpu_ms")}


@dataclass(frozen=True)
class PipelineOptions:
    """Which films to read, and how often."""

    model: Path | None = None  # a bundle; None: the shipped one
    films: Path | None = None  # real films, to compare decoding at reduced scale with full size; None: skip that
    sides_px: tuple[int, ...] = SIDES_PX  # of the phantoms
    rounds: int = ROUNDS  # 1 or more


def measure(options: PipelineOptions, progress: Progress) -> dict[str, Any]:
    """Time every format and size.

    Returns:
        `runtime`, `model`, `rows`, `goals` and, with real films, `reduced_scale`.
    Raises:
        BundleError: the bundle is missing or damaged.
        DataError: the folder of real films holds none that can be read.
    """
    predictor = load_predictor(options.model)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure_cases(predictor, write_cases(Path(folder), options.sides_px), options.rounds, progress)
    real = {"reduced_scale": reduced_scale(predictor, options.films)} if options.films else {}
    identity = {"runtime": str(predictor.runtime), "model": asdict(predictor.identity)}
    return real | identity | {"rows": rows, "goals": goals(rows)}


def succeeded(rows: list[dict[str, Any]]) -> bool:
    """Whether any film was scored."""
    return any("cannot_run" not in row for row in rows)


def write_cases(folder: Path, sides_px: tuple[int, ...]) -> list[dict[str, Any]]:
    """Write one film of every format and size; `cannot_run` where it cannot be written here."""
    cases = []
    for kind, suffix in SUFFIXES.items():
        for side_px in sides_px:
            case: dict[str, Any] = {"name": f"{kind} {side_px} px", "format": kind, "side_px": side_px}
            try:
                content = film_bytes(kind, side_px)
            except ImportError as cause:
                cases.append(case | {"cannot_run": f"{cause.name} is not installed"})
                continue
            path = folder / f"{side_px}{suffix}"
            path.write_bytes(content)
            cases.append(case | {"path": path, "file_kb": round(len(content) / 1024)})
    return cases


def measure_cases(
    predictor: Predictor, cases: list[dict[str, Any]], rounds: int, progress: Progress
) -> list[dict[str, Any]]:
    """One row per case; every round reads every film once and decodes it bare once."""
    rows = [{key: value for key, value in case.items() if key != "path"} for case in cases]
    readable: list[int] = []
    for index, (case, row) in enumerate(zip(cases, rows, strict=True)):
        if "cannot_run" in case:
            continue
        try:
            row["answer_moved"] = prediction_moved(predictor, case["path"])
            readable.append(index)
        except FilmError as cause:
            row["cannot_run"] = f"{cause.code}: {cause.sentence}"
    taken: dict[int, list[dict[str, Any]]] = {index: [] for index in readable}
    order = random.Random(ORDER_SEED)
    for _, index in shuffled_rounds(readable, rounds, ORDER_SEED, progress):
        taken[index].append(one_round(predictor, cases[index]["format"], cases[index]["path"], order))
    for index, rounds_taken in taken.items():
        rows[index] |= summarized(rounds_taken)
    return rows


def one_round(predictor: Predictor, kind: str, path: Path, order: random.Random) -> dict[str, Any]:
    """The prediction and the bare decode, in a drawn order; wall clock and processor time in ms."""
    content = path.read_bytes()
    steps: dict[str, float] = {}

    def predict() -> None:
        steps.update(predictor.answer(path).ms)

    work: dict[str, Callable[[], None]] = {"prediction": predict, "bare decode": lambda: bare_decode(kind, content)}
    clocks: dict[str, tuple[float, float]] = {}
    for name in order.sample(list(work), len(work)):
        wall, cpu = time.perf_counter(), time.process_time()
        work[name]()
        clocks[name] = (1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu))
    steps["post"] = steps["total"] - sum(steps[step] for step in STEPS[:-1])
    return {"clocks": clocks, "steps": steps}


def bare_decode(kind: str, content: bytes) -> None:
    """Decode every pixel of a file, by the library alone."""
    if kind == "DICOM":
        import pydicom

        _ = pydicom.dcmread(io.BytesIO(content)).pixel_array
    else:
        Image.open(io.BytesIO(content)).load()


def summarized(taken: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians of one film's rounds, and its ratio to the bare decode."""
    rounds = {
        name: [round(times["clocks"][work][clock], 4) for times in taken]
        for work, names in CLOCKS.items()
        for clock, name in enumerate(names)
    }
    return {
        **{name: median(times, digits=3) for name, times in rounds.items()},
        "steps_ms": {step: median([times["steps"][step] for times in taken], digits=3) for step in STEPS},
        "times_floor": ratio(rounds["median_ms"], rounds["floor_ms"]),
        "times_floor_cpu": ratio(rounds["cpu_median_ms"], rounds["floor_cpu_ms"]),
        "rounds": rounds,
    }


def goals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The goal for the 2048 px JPEG, by wall clock and by processor time."""
    row = next((row for row in rows if (row["format"], row["side_px"]) == GOAL_ROW), NOT_MEASURED)
    if "cannot_run" in row:
        return [verdict(GOAL, row, row)]
    rounds = row["rounds"]
    bare = {"rounds": {"median_ms": rounds["floor_ms"], "cpu_median_ms": rounds["floor_cpu_ms"]}}
    return [verdict(GOAL, row, bare)]


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    rows = rows_table(result["rows"]) + reduced_scale_words(result)
    return page("From file to answer", result, rows, f"{result['runtime']}.")


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per film."""
    figures = {
        "file KB": words("file_kb"),
        "read ms": number("steps_ms", "read"),
        **{step: number("steps_ms", step) for step in STEPS[1:]},
        "total": number("median_ms"),
        "bare decode": number("floor_ms"),
        "ratio": ratio_of("times_floor"),
        "moved": moved,
    }
    return measured_table(rows, {"film": words("name")}, figures)


def moved(row: dict[str, Any]) -> str:
    """The cell of how far decoding at reduced scale moves P(pneumonia)."""
    return f"{row['answer_moved']:.3f}"


def plot(rows: list[dict[str, Any]]) -> str | None:
    """File to answer and bare decode, film by film; None when no film was scored."""
    points = []
    for row in rows:
        if "cannot_run" not in row:
            points.append((row["name"], row["median_ms"], row["median_ms"], "file to answer"))
            points.append(("bare decode", row["floor_ms"], row["floor_ms"], "bare decode"))
    return bars("From file to answer: median", "ms", points) if points else None
