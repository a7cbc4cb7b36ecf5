"""What is refused and what gets a warning: films as they are, turned and cut, and pictures that are not films.

Every picture takes the whole path, as in the kiosk. With a manifest, only films that the model was not trained
on are used.
"""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.device.harness.candidate import Progress
from benchmarks.output.markdown import table
from benchmarks.studies.wrong_pictures import CHANGES, as_file, drawn_kinds, other_kinds, read_films
from edge_app.reading.predictor import Predictor, load_predictor

MIN_PASSING = 0.99  # share of the films as they are that must not be refused
FILMS, DRAWN, QUICK = 1000, 50, 12  # pictures


@dataclass(frozen=True)
class RejectionOptions:
    """Which model to test, and on which pictures."""

    model: Path | None = None  # a bundle; None: the shipped one
    data: str = "phantom"  # the data set, as `--data` of train
    manifest: Path | None = None  # of the model's run: its validation films alone; None: films of any part
    others: Path | None = None  # a folder with one folder per kind of picture that is not a chest film
    films: int = FILMS  # at most, of the data set; 1 or more
    drawn: int = DRAWN  # of each kind that is drawn here; 2 or more


def measure(options: RejectionOptions, progress: Progress) -> dict[str, Any]:
    """Count what happens to each kind of picture.

    Returns:
        `model`, `statistics` (whether its card has those of its training films), `source` and `rows`;
        the films as they are come first.
    Raises:
        DataError: there are no films, or no kinds in `others`.
        BundleError: the model is unfit.
    """
    predictor = load_predictor(options.model)
    films = read_films(options.data, options.manifest, options.films)
    changed = ((kind, map(change, films)) for kind, change in CHANGES.items())
    others = other_kinds(options.others) if options.others else ()
    kinds: Iterable[tuple[str, Iterable[Any]]] = itertools.chain(changed, drawn_kinds(options.drawn), others)
    rows = []
    for kind, pictures in kinds:
        progress(kind)
        rows.append(row(predictor, kind, pictures))
    source = f"{options.data}, {'validation films of the run' if options.manifest else 'films of any part'}"
    statistics = predictor.rejection is not None
    return {"model": asdict(predictor.identity), "statistics": statistics, "source": source, "rows": rows}


def succeeded(rows: list[dict[str, Any]]) -> bool:
    """Whether enough films pass as they are."""
    return bool(rows[0]["refused"] <= 1 - MIN_PASSING)


def row(predictor: Predictor, kind: str, pictures: Iterable[np.ndarray | bytes]) -> dict[str, Any]:
    """The shares of one kind that passed, got a warning and were refused, and the codes, most frequent first."""
    outcomes = [outcome(predictor, picture) for picture in pictures]
    total = max(len(outcomes), 1)
    results = Counter(result for result, _ in outcomes)
    codes = Counter(code for _, found in outcomes for code in found)
    shares = {name: results[name] / total for name in ("passed", "warned", "refused")}
    return {"kind": kind, "pictures": len(outcomes)} | shares | {"codes": dict(codes.most_common())}


def outcome(predictor: Predictor, picture: np.ndarray | bytes) -> tuple[str, tuple[str, ...]]:
    """`passed`, `warned` or `refused`, and the codes of the warnings or of the refusal."""
    answer = predictor.answer(picture if isinstance(picture, bytes) else as_file(picture))
    if answer.refusal:
        return "refused", (answer.refusal.code,)
    return ("warned" if answer.warnings else "passed"), answer.warnings


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    model = result["model"]
    statistics = "with" if result["statistics"] else "WITHOUT"
    return (
        "# What is refused\n\n"
        f"{model['name']} {model['version']} ({model['sha256'][:12]}), {statistics} statistics of its training films. "
        f"Films: {result['source']}.\n\n{rows_table(result['rows'])}"
    )


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line per kind; shares in percent."""
    head = ["picture", "count", "scored", "scored with a warning", "refused", "codes"]
    body = []
    for kind in rows:
        shares = [f"{100 * kind[name]:.1f}%" for name in ("passed", "warned", "refused")]
        codes = ", ".join(f"{code} {count}" for code, count in list(kind["codes"].items())[:3])
        body.append([kind["kind"], str(kind["pictures"]), *shares, codes])
    return table(head, body)
