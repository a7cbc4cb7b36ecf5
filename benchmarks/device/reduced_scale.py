"""How far decoding a JPEG at reduced scale moves the prediction, against decoding it at full size."""

from pathlib import Path
from typing import Any

from benchmarks.output.statistics import percentiles
from edge_app.commands.predict import walk
from edge_app.errors import DataError, FilmError
from edge_app.imaging.film import read_film
from edge_app.reading.decision import decide
from edge_app.reading.predictor import Predictor


def prediction_moved(predictor: Predictor, path: Path) -> float:
    """How far P(pneumonia) is from that of the same film decoded at full size.

    Raises:
        FilmError: the kit does not read this film.
    """
    return round(_moved(predictor, path)[0], 6)


def reduced_scale(predictor: Predictor, folder: Path) -> dict[str, Any]:
    """How far decoding at reduced scale moves the predictions on a folder of real films.

    Raises:
        DataError: the folder holds no film that can be read.
    """
    moved, changed = [], 0
    for path in walk([folder]):
        try:
            by, decision_changed = _moved(predictor, path)
        except FilmError:
            continue
        moved.append(by)
        changed += decision_changed
    if not moved:
        raise DataError(f"{folder} holds no film that can be read")
    moves = percentiles(moved, {"median": 50, "p95": 95, "max": 100}, digits=5)
    return {"films": len(moved), "changed_decisions": changed} | moves


def reduced_scale_words(result: dict[str, Any]) -> str:
    """One sentence on the real films of a result; empty where there were none."""
    found = result.get("reduced_scale")
    if not found:
        return ""
    return (
        f"\nOn {found['films']} real films reduced-scale decoding moved P(pneumonia) by {found['median']:.4f} in the "
        f"median, {found['p95']:.4f} at the 95th percentile, {found['max']:.4f} at most, and changed "
        f"{found['changed_decisions']} decisions.\n"
    )


def _moved(predictor: Predictor, path: Path) -> tuple[float, bool]:
    """How far P(pneumonia) is from that at full size, and whether the decision is another."""
    pixels, _ = predictor.preparation.prepare(read_film(path).pixels)
    full, reduced = decide(predictor.infer(pixels).logits, predictor.card), predictor.answer(path).decision
    return abs(reduced.p_finding - full.p_finding), reduced.decision != full.decision
