"""What is refused, what is warned of: films as they are, laid wrongly, cut, and things that are no film.

Every film goes through the whole path, as the kiosk takes it. With `--manifest` only films are used
that the model was not trained on. `--others` adds pictures of one's own: every folder in it is a kind.
"""

import argparse
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from edge_app.predictor import Predictor

NAME = "rejection"
HELP = "count what is refused: films laid wrongly, cut or inverted, and things that are no film"
MOST_FILMS, QUICK_FILMS = 1000, 12
DRAWN = 50  # pictures of each kind that is drawn here
SIDE_PX = 320
SEED = 0
AS_THEY_ARE = "as they are"
CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    AS_THEY_ARE: lambda film: film,
    "upside down": lambda film: np.rot90(film, 2),
    "on the left side": lambda film: np.rot90(film, 1),
    "on the right side": lambda film: np.rot90(film, 3),
    "inverted": lambda film: 255 - film,
    "mirrored": lambda film: film[:, ::-1],
    "upper third alone": lambda film: film[: len(film) // 3],
    "lower third alone": lambda film: film[-(len(film) // 3) :],
    "one side alone": lambda film: film[:, : film.shape[1] // 2],
    "one quarter alone": lambda film: film[: len(film) // 2, : film.shape[1] // 2],
}
MIN_PASSING = 0.99  # of films as they are: what the promise says


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output import add_output_arguments

    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="the shipped one by default")
    parser.add_argument("--data", default="phantom", help="films, as for train (default: %(default)s)")
    parser.add_argument("--manifest", type=Path, metavar="FILE", help="of the model's run: its validation films alone")
    parser.add_argument("--others", type=Path, metavar="DIR", help="pictures that are no chest film, a folder a kind")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Count and publish.

    Returns:
        0 if enough films pass as they are, else 1.
    """
    from benchmarks import output
    from edge_app.predictor import load_predictor

    predictor = load_predictor(args.model)
    films = read_films(args.data, args.manifest, QUICK_FILMS if args.quick else MOST_FILMS)
    rows = [row(predictor, kind, map(change, films)) for kind, change in CHANGES.items()]
    rows += [row(predictor, kind, pictures) for kind, pictures in drawn_kinds(QUICK_FILMS if args.quick else DRAWN)]
    if args.others:
        rows += [row(predictor, *kind) for kind in other_kinds(args.others)]
    source = f"{args.data}, {'validation films of the run' if args.manifest else 'films of any part'}"
    statistics = predictor.rejection is not None
    result = output.heading(NAME, args) | {"model": predictor.identity(), "statistics": statistics}
    result |= {"source": source, "rows": rows}
    output.publish(args, result, markdown(result))
    return int(rows[0]["refused"] > 1 - MIN_PASSING)


def read_films(data: str, manifest: Path | None, most: int) -> list[np.ndarray]:
    """Decoded films, uint8 (height, width), spread evenly over the set; those that cannot be read are left out.

    Raises:
        DataError: there are none.
    """
    from edge_app.errors import DataError, FilmError
    from train.data import find_data
    from train.split import VALIDATION, read_manifest

    films = list(find_data(data).films)
    if manifest:
        held_out = {film["name"] for film in read_manifest(manifest).films if film["part"] == VALIDATION}
        films = [film for film in films if film.name in held_out]
    found = []
    for film in films[:: max(1, len(films) // most)][:most]:
        try:
            found.append(film.read().pixels)
        except FilmError:
            continue
    if not found:
        raise DataError(f"{data} holds no film of {manifest}: give --data the films that the model was trained on")
    return found


def drawn_kinds(count: int) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Things without anatomy; a model must not score them."""
    random = np.random.default_rng(SEED)
    down, across = np.mgrid[0:SIDE_PX, 0:SIDE_PX] / SIDE_PX
    noise = [random.integers(0, 256, (SIDE_PX, SIDE_PX)) for _ in range(count)]
    ramps = [across * np.cos(turn) + down * np.sin(turn) for turn in random.uniform(0, 2 * np.pi, count)]
    blots = [random.normal(size=(8, 8)) for _ in range(count)]
    yield "blank", [np.full((SIDE_PX, SIDE_PX), level) for level in np.linspace(0, 255, count)]
    yield "noise", noise
    yield "gray ramp", [_grainy(ramp, random) for ramp in ramps]
    yield "clouds", [_grainy(_enlarged(blot), random) for blot in blots]


def other_kinds(folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    """The files of every folder in a folder, as they are.

    Raises:
        DataError: there is no folder in it.
    """
    from edge_app.errors import DataError

    kinds = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not kinds:
        raise DataError(f"{folder} holds no folder: make one for each kind, with pictures in it")
    for kind in kinds:
        yield kind.name, [path.read_bytes() for path in sorted(kind.iterdir()) if path.is_file()]


def row(predictor: "Predictor", kind: str, pictures: Iterable[np.ndarray | bytes]) -> dict[str, Any]:
    """Shares of one kind: scored without a doubt, warned of, refused; and the codes, the commonest first."""
    outcomes = [outcome(predictor, picture) for picture in pictures]
    total = max(len(outcomes), 1)
    verdicts = Counter(verdict for verdict, _ in outcomes)
    codes = Counter(code for _, found in outcomes for code in found)
    shares = {name: verdicts[name] / total for name in ("passed", "warned", "refused")}
    return {"kind": kind, "pictures": len(outcomes)} | shares | {"codes": dict(codes.most_common())}


def outcome(predictor: "Predictor", picture: np.ndarray | bytes) -> tuple[str, tuple[str, ...]]:
    """What the whole path makes of a picture: a verdict, and the codes of its doubts or of its refusal."""
    from edge_app.errors import FilmError

    try:
        doubts = predictor.read(picture if isinstance(picture, bytes) else _as_file(picture)).warnings
    except FilmError as error:
        return "refused", (error.code,)
    return ("warned" if doubts else "passed"), doubts


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    model = result["model"]
    witness = "with" if result["statistics"] else "WITHOUT"
    return (
        "# What is refused\n\n"
        f"{model['name']} {model['version']} ({model['sha256'][:12]}), {witness} statistics of its training films. "
        f"Films: {result['source']}.\n\n{rows_table(result['rows'])}"
    )


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a kind; shares in percent."""
    from benchmarks.output import table

    head = ["what was handed in", "pictures", "scored", "scored with a warning", "refused", "codes"]
    lines = []
    for line in rows:
        shares = [f"{100 * line[name]:.1f}%" for name in ("passed", "warned", "refused")]
        codes = ", ".join(f"{code} {count}" for code, count in list(line["codes"].items())[:3])
        lines.append([line["kind"], str(line["pictures"]), *shares, codes])
    return table(head, lines)


def _as_file(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels).astype(np.uint8)).save(content, "BMP")
    return content.getvalue()


def _grainy(levels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    stretched = 20 + 210 * (levels - levels.min()) / np.ptp(levels)
    return np.clip(stretched + random.normal(0, 4, levels.shape), 0, 255)


def _enlarged(values: np.ndarray) -> np.ndarray:
    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))
