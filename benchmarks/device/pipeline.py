"""From a film's file to its answer, split by step, against the bare decode of the same bytes.

The floor is what any program must pay that looks at every pixel of the file: Pillow's own decode at
full size, or pydicom's. The kit can be faster than that floor, since it asks the JPEG decoder for no
more pixels than the model needs; `answer_moved` says by how much that changes P(pneumonia).
"""

import argparse
import io
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAME = "pipeline"
HELP = "time the way from file to answer for JPEG, 16-bit PNG and DICOM of 512 to 3000 px"
SIDES_PX = (512, 1024, 2048, 3000)
ROUNDS, QUICK_ROUNDS = 30, 3
STEPS = ("read", "preprocess", "infer", "post")
GOAL = ("file to answer for a 2048 px JPEG takes at most 1.25 times the bare decode of the same bytes", 1.25)
GOAL_ROW = ("JPEG", 2048)
ORDER_SEED = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output.result_files import add_output_arguments

    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="the shipped one by default")
    parser.add_argument("--films", type=Path, metavar="DIR", help="also compare reduced with full decoding on these")
    parser.add_argument("--side", type=int, action="append", metavar="PX", help=f"{SIDES_PX} by default")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and publish.

    Returns:
        0 if any film got an answer, else 1.
    """
    from benchmarks.device.harness import machine as device
    from benchmarks.output import result_files as output
    from edge_app.reading.predictor import load_predictor

    predictor = load_predictor(args.model)
    rounds = QUICK_ROUNDS if args.quick else ROUNDS
    result = output.heading(NAME, args) | {"device": device.facts(), "before": device.state()}
    with tempfile.TemporaryDirectory() as folder:
        cases = write_cases(Path(folder), args.side or list(SIDES_PX))
        rows = measure(predictor, cases, rounds, output.progress_on_terminal())
    if args.films:
        result["reduced_scale"] = reduced_scale(predictor, args.films)
    result |= {"after": device.state(), "runtime": str(predictor.runtime), "model": predictor.identity()}
    result |= {"rows": rows, "goals": goals(rows)}
    output.publish(args, result, markdown(result), plot(rows))
    return int(all("cannot_run" in row for row in rows))


def write_cases(folder: Path, sides_px: list[int]) -> list[dict[str, Any]]:
    """One film of every format and size; `cannot_run` where it cannot be written here."""
    from benchmarks.device.films import FORMATS, SUFFIXES, film_bytes

    cases = []
    for kind in FORMATS:
        for side_px in sides_px:
            case: dict[str, Any] = {"name": f"{kind} {side_px} px", "format": kind, "side_px": side_px}
            try:
                content = film_bytes(kind, side_px)
            except ImportError as cause:
                cases.append(case | {"cannot_run": f"{cause.name} is not installed"})
                continue
            path = folder / f"{side_px}{SUFFIXES[kind]}"
            path.write_bytes(content)
            cases.append(case | {"path": path, "file_kb": round(len(content) / 1024)})
    return cases


def measure(
    predictor: Any, cases: list[dict[str, Any]], rounds: int, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Every round reads every film once and decodes it bare once, in an order drawn afresh."""
    from edge_app.errors import FilmError

    order = random.Random(ORDER_SEED)
    readable: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    rows: list[dict[str, Any]] = []
    for case in cases:
        row: dict[str, Any] = {key: value for key, value in case.items() if key != "path"}
        rows.append(row)
        if "cannot_run" in case:
            continue
        try:
            row["answer_moved"] = answer_moved(predictor, case["path"])
        except FilmError as cause:
            row["cannot_run"] = f"{cause.code}: {cause.sentence}"
            continue
        readable.append((case | {"row": row}, []))
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        order.shuffle(readable)
        for case, taken in readable:
            taken.append(one_round(predictor, case["format"], case["path"], order))
    for case, taken in readable:
        case["row"] |= summarized(taken)
    return rows


def one_round(predictor: Any, kind: str, path: Path, order: random.Random) -> dict[str, Any]:
    """The answer and the floor, whichever comes first; wall clock and processor time in ms."""
    content = path.read_bytes()
    steps: dict[str, float] = {}

    def answer() -> None:
        steps.update(predictor.read(path).ms)

    def floor() -> None:
        bare_decode(kind, content)

    clocks: dict[str, tuple[float, float]] = {}
    turn = [("answer", answer), ("floor", floor)]
    order.shuffle(turn)
    for name, work in turn:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        clocks[name] = (1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu))
    steps["post"] = steps["total"] - steps["read"] - steps["preprocess"] - steps["infer"]
    return {"clocks": clocks, "steps": steps}


def bare_decode(kind: str, content: bytes) -> None:
    """Every pixel of a file, by the library alone."""
    if kind == "DICOM":
        import pydicom

        _ = pydicom.dcmread(io.BytesIO(content)).pixel_array
    else:
        from PIL import Image

        Image.open(io.BytesIO(content)).load()


def answer_moved(predictor: Any, path: Path) -> float:
    """How far P(pneumonia) is from that of the same film decoded at full size.

    Raises:
        FilmError: the kit does not read this film.
    """
    from edge_app.imaging.film import read_film
    from edge_app.imaging.preprocess import to_model_pixels
    from edge_app.reading.decision import decide

    film = read_film(path)
    logits = predictor.infer(to_model_pixels(film.pixels, predictor.card.input_size_px)).logits
    full = decide(logits, predictor.card).p_pneumonia
    return round(abs(predictor.read(path).decision.p_pneumonia - full), 6)


def reduced_scale(predictor: Any, folder: Path) -> dict[str, Any]:
    """How far decoding at reduced scale moves the answers on a folder of real films.

    Raises:
        DataError: the folder holds no film that can be read.
    """
    import numpy as np

    from edge_app.commands.predict import walk
    from edge_app.errors import DataError, FilmError
    from edge_app.imaging.film import read_film
    from edge_app.imaging.preprocess import to_model_pixels
    from edge_app.reading.decision import decide

    moved, changed = [], 0
    for path in walk([folder]):
        try:
            reduced = predictor.read(path).decision
            full_size = to_model_pixels(read_film(path).pixels, predictor.card.input_size_px)
        except FilmError:
            continue
        full = decide(predictor.infer(full_size).logits, predictor.card)
        moved.append(abs(reduced.p_pneumonia - full.p_pneumonia))
        changed += reduced.decision != full.decision
    if not moved:
        raise DataError(f"{folder} holds no film that can be read")
    moves = {"median": float(np.median(moved)), "p95": float(np.percentile(moved, 95)), "max": max(moved)}
    return {"films": len(moved), "changed_decisions": changed} | {name: round(v, 5) for name, v in moves.items()}


def summarized(taken: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians of one film's rounds, and its ratio to the floor."""
    import numpy as np

    from benchmarks.output.statistics import ratio

    def clocks(name: str, clock: int) -> list[float]:
        return [round(times["clocks"][name][clock], 4) for times in taken]

    rounds = {
        "median_ms": clocks("answer", 0),
        "cpu_median_ms": clocks("answer", 1),
        "floor_ms": clocks("floor", 0),
        "floor_cpu_ms": clocks("floor", 1),
    }
    return {
        "median_ms": round(float(np.median(rounds["median_ms"])), 3),
        "cpu_median_ms": round(float(np.median(rounds["cpu_median_ms"])), 3),
        "floor_ms": round(float(np.median(rounds["floor_ms"])), 3),
        "floor_cpu_ms": round(float(np.median(rounds["floor_cpu_ms"])), 3),
        "steps_ms": {step: round(float(np.median([times["steps"][step] for times in taken])), 3) for step in STEPS},
        "times_floor": ratio(rounds["median_ms"], rounds["floor_ms"]),
        "times_floor_cpu": ratio(rounds["cpu_median_ms"], rounds["floor_cpu_ms"]),
        "rounds": rounds,
    }


def goals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was promised of the 2048 px JPEG, by wall clock and by processor time."""
    from benchmarks.output.statistics import judged

    absent: dict[str, Any] = {"cannot_run": "not measured"}
    row = next((row for row in rows if (row["format"], row["side_px"]) == GOAL_ROW), absent)
    if "cannot_run" in row:
        return [judged(*GOAL, row, row)]
    rounds = row["rounds"]
    floor = {"rounds": {"median_ms": rounds["floor_ms"], "cpu_median_ms": rounds["floor_cpu_ms"]}}
    return [judged(*GOAL, row, floor)]


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    from benchmarks.output.result_files import device_line, goals_table

    head = f"# From file to answer\n\n{device_line(result)}. {result['runtime']}.\n\n"
    return f"{head}{goals_table(result['goals'])}\n{rows_table(result['rows'])}{reduced_scale_words(result)}"


def reduced_scale_words(result: dict[str, Any]) -> str:
    """One sentence on real films, where some were given."""
    found = result.get("reduced_scale")
    if not found:
        return ""
    return (
        f"\nOn {found['films']} real films reduced-scale decoding moved P(pneumonia) by {found['median']:.4f} in the "
        f"median, {found['p95']:.4f} at the 95th percentile, {found['max']:.4f} at most, and changed "
        f"{found['changed_decisions']} decisions.\n"
    )


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a film."""
    from benchmarks.output.result_files import figure, interval, table

    head = ["film", "file KB", "read ms", "preprocess", "infer", "post", "in all", "bare decode", "times it", "moved"]
    body = []
    for row in rows:
        if "cannot_run" in row:
            body.append([row["name"], row["cannot_run"], *[""] * (len(head) - 2)])
            continue
        figures = [row["steps_ms"][step] for step in STEPS] + [row["median_ms"], row["floor_ms"]]
        moved = f"{row['answer_moved']:.3f}"
        body.append([row["name"], str(row["file_kb"]), *map(figure, figures), interval(row["times_floor"]), moved])
    return table(head, body)


def plot(rows: list[dict[str, Any]]) -> str | None:
    """File to answer and bare decode, film by film."""
    from benchmarks.output.plot import bars

    points = []
    for row in rows:
        if "cannot_run" not in row:
            points.append((row["name"], row["median_ms"], row["median_ms"], "file to answer"))
            points.append(("bare decode", row["floor_ms"], row["floor_ms"], "bare decode"))
    return bars("From file to answer: median", "ms", points) if points else None
