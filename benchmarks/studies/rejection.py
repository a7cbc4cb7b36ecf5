"""What is refused, what is warned of: films as they are, laid wrongly, cut, and things that are no film.

Every film goes through the whole path, as the kiosk takes it. With `--manifest` only films are used
that the model was not trained on. `--others` adds pictures of one's own: every folder in it is a kind.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from edge_app.reading.predictor import Predictor

NAME = "rejection"
HELP = "count what is refused: films laid wrongly, cut or inverted, and things that are no film"
MOST_FILMS, QUICK_FILMS = 1000, 12
DRAWN = 50  # pictures of each kind that is drawn here
MIN_PASSING = 0.99  # of films as they are: what the promise says


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    from benchmarks.output.result_files import add_output_arguments

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
    from benchmarks.output import result_files as output
    from benchmarks.studies.wrong_pictures import CHANGES, drawn_kinds, other_kinds, read_films
    from edge_app.reading.predictor import load_predictor

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


def row(predictor: "Predictor", kind: str, pictures: Iterable["np.ndarray | bytes"]) -> dict[str, Any]:
    """Shares of one kind: scored without a doubt, warned of, refused; and the codes, the commonest first."""
    outcomes = [outcome(predictor, picture) for picture in pictures]
    total = max(len(outcomes), 1)
    verdicts = Counter(verdict for verdict, _ in outcomes)
    codes = Counter(code for _, found in outcomes for code in found)
    shares = {name: verdicts[name] / total for name in ("passed", "warned", "refused")}
    return {"kind": kind, "pictures": len(outcomes)} | shares | {"codes": dict(codes.most_common())}


def outcome(predictor: "Predictor", picture: "np.ndarray | bytes") -> tuple[str, tuple[str, ...]]:
    """What the whole path makes of a picture: a verdict, and the codes of its doubts or of its refusal."""
    from benchmarks.studies.wrong_pictures import as_file
    from edge_app.errors import FilmError

    try:
        doubts = predictor.read(picture if isinstance(picture, bytes) else as_file(picture)).warnings
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
    from benchmarks.output.result_files import table

    head = ["what was handed in", "pictures", "scored", "scored with a warning", "refused", "codes"]
    lines = []
    for line in rows:
        shares = [f"{100 * line[name]:.1f}%" for name in ("passed", "warned", "refused")]
        codes = ", ".join(f"{code} {count}" for code, count in list(line["codes"].items())[:3])
        lines.append([line["kind"], str(line["pictures"]), *shares, codes])
    return table(head, lines)
