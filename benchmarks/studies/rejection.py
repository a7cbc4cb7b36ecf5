"""What is refused and what is warned of: films as they are, laid wrongly or cut, and things that are no film.

Every picture takes the whole path from file to decision, as in the kiosk.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.output.publish import table
from benchmarks.studies.wrong_pictures import CHANGES, as_file, drawn_kinds, other_kinds, read_films
from edge_app.reading.predictor import Predictor, load_predictor


@dataclass(frozen=True)
class RejectionOptions:
    """What `benchmarks rejection` was asked for."""

    model: Path | None  # a bundle; None for the shipped one
    data: str  # films, as `--data`
    manifest: Path | None  # of the model's run: only its validation films are used
    others: Path | None  # a folder of pictures that are no chest film; each folder in it is a kind
    most_films: int  # of the data set, spread evenly over it
    drawn: int  # pictures of each kind that is drawn


def count_refusals(options: RejectionOptions) -> dict[str, Any]:
    """Hand every picture to the model and count the outcomes.

    Returns:
        `model`, `statistics` (whether the bundle has those of its training films), `source` and `rows`.
    Raises:
        DataError: there are no films, or no other pictures.
        BundleError: the model is unfit.
    """
    predictor = load_predictor(options.model)
    films = read_films(options.data, options.manifest, options.most_films)
    rows = [row(predictor, kind, map(change, films)) for kind, change in CHANGES.items()]
    rows += [row(predictor, kind, pictures) for kind, pictures in drawn_kinds(options.drawn)]
    if options.others:
        rows += [row(predictor, *kind) for kind in other_kinds(options.others)]
    return {
        "model": asdict(predictor.identity),
        "statistics": predictor.rejection is not None,
        "source": f"{options.data}, {'validation films of the run' if options.manifest else 'films of any part'}",
        "rows": rows,
    }


def row(predictor: Predictor, kind: str, pictures: Iterable[np.ndarray | bytes]) -> dict[str, Any]:
    """One kind: shares that were scored without a doubt, warned of and refused; and the codes, most frequent first."""
    outcomes = [outcome(predictor, picture) for picture in pictures]
    total = max(len(outcomes), 1)
    verdicts = Counter(verdict for verdict, _ in outcomes)
    codes = Counter(code for _, found in outcomes for code in found)
    shares = {name: verdicts[name] / total for name in ("passed", "warned", "refused")}
    return {"kind": kind, "pictures": len(outcomes)} | shares | {"codes": dict(codes.most_common())}


def outcome(predictor: Predictor, picture: np.ndarray | bytes) -> tuple[str, tuple[str, ...]]:
    """One picture's outcome ("passed", "warned" or "refused") with the codes of its warnings or its refusal."""
    answer = predictor.answer(picture if isinstance(picture, bytes) else as_file(picture))
    if answer.refusal:
        return "refused", (answer.refusal.code,)
    return ("warned" if answer.warnings else "passed"), answer.warnings


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    model = result["model"]
    having = "with" if result["statistics"] else "WITHOUT"
    return (
        "# What is refused\n\n"
        f"{model['name']} {model['version']} ({model['sha256'][:12]}), {having} statistics of its training films. "
        f"Films: {result['source']}.\n\n{rows_table(result['rows'])}"
    )


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per kind; shares in percent."""
    head = ["what was handed in", "pictures", "scored", "scored with a warning", "refused", "codes"]
    lines = []
    for line in rows:
        shares = [f"{100 * line[name]:.1f}%" for name in ("passed", "warned", "refused")]
        codes = ", ".join(f"{code} {count}" for code, count in list(line["codes"].items())[:3])
        lines.append([line["kind"], str(line["pictures"]), *shares, codes])
    return table(head, lines)
