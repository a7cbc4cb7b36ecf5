"""What a finished run predicts on every evaluation set, kept in its folder for paired tests and curves."""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_app.system.files import write_atomically
from train.data.loading import load_films
from train.data.sources import find_data
from train.data.split import VALIDATION, apply_manifest
from train.data.two_classes import as_labelled
from train.evaluation.evaluation_sets import evaluation_sets
from train.evaluation.run import MODEL, RUN, read_run, run_preparation
from train.networks.complexity import count_macs
from train.networks.inference import predict

FILE = "answers.npz"


@dataclass(frozen=True)
class Predictions:
    """One run's predictions: `by_set` maps an evaluation set to (positive bool (films,), P(finding) float (films,))."""

    macs: int  # multiply-accumulates per film
    by_set: dict[str, tuple[np.ndarray, np.ndarray]]


def predictions_of(folder: Path, data: str | None) -> Predictions:
    """Read a run's predictions; makes them, and writes them to its folder, if they are missing or old.

    Raises:
        DataError: the run is damaged, or the films are not those it was trained on.
    """
    path = folder / FILE
    if not path.exists() or path.stat().st_mtime < (folder / RUN).stat().st_mtime:
        _write(path, _predicted(folder, data))
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
        names = [name.removeprefix("p ") for name in arrays.files if name.startswith("p ")]
        by_set = {name: (arrays[f"positive {name}"], arrays[f"p {name}"]) for name in names}
        return Predictions(int(arrays["macs"]), by_set)


def _predicted(folder: Path, argument: str | None) -> Predictions:
    model, manifest, run = read_run(folder / MODEL)
    data = as_labelled(find_data(argument, manifest.rule.reads_test_folder, run.negative), run.labels)
    wanted = {manifest.films[row]["name"] for row in manifest.rows(VALIDATION)}
    shown = replace(data, films=tuple(film for film in data.films if film.name in wanted))
    preparation = run_preparation(folder / MODEL, run)
    validation = apply_manifest(load_films(shown, preparation), manifest, VALIDATION)
    by_set = {
        films.name: (
            films.positive,
            films.p_finding(predict(model, films.pixels)["logits"], run.calibration.temperature),
        )
        for films in evaluation_sets(validation, run.classes, preparation)
    }
    return Predictions(count_macs(model), by_set)


def _write(path: Path, predictions: Predictions) -> None:
    arrays = {"macs": np.array(predictions.macs)}
    for name, (positive, p_finding) in predictions.by_set.items():
        arrays |= {f"positive {name}": positive, f"p {name}": p_finding}
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomically(path, content.getvalue())
