"""What a finished run answers to every judge's films, kept beside it for paired tests and curves."""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_app.reading.decision import p_finding
from edge_app.system.files import write_atomically
from train.data.loading import load_films
from train.data.sources import find_data
from train.data.split import VALIDATION, apply_manifest
from train.data.two_classes import as_labelled
from train.evaluation.evaluation_sets import all_judges
from train.evaluation.run import MODEL, RUN, read_run
from train.networks.complexity import count_macs
from train.networks.inference import predict

ANSWERS = "answers.npz"


@dataclass(frozen=True)
class Answers:
    """One run's answers. `judges` maps a judge to (positive bool (films,), P(pneumonia) float (films,))."""

    macs: int  # of one film
    judges: dict[str, tuple[np.ndarray, np.ndarray]]


def answers_of(folder: Path, data: str | None) -> Answers:
    """Read a run's answers; they are made, and written beside it, when they are not there yet.

    Raises:
        DataError: the run is damaged, or the films are not those it was trained on.
    """
    path = folder / ANSWERS
    if not path.exists() or path.stat().st_mtime < (folder / RUN).stat().st_mtime:
        _write(path, _answered(folder, data))
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
        names = [name.removeprefix("p ") for name in arrays.files if name.startswith("p ")]
        judges = {name: (arrays[f"positive {name}"], arrays[f"p {name}"]) for name in names}
        return Answers(int(arrays["macs"]), judges)


def _answered(folder: Path, argument: str | None) -> Answers:
    model, manifest, run = read_run(folder / MODEL)
    data = as_labelled(find_data(argument, manifest.rule.reads_test_folder, run.negative), run.labels)
    wanted = {manifest.films[row]["name"] for row in manifest.rows(VALIDATION)}
    shown = replace(data, films=tuple(film for film in data.films if film.name in wanted))
    validation = apply_manifest(load_films(shown, run.input_size_px), manifest, VALIDATION)
    negative = run.negative_index
    judges = {}
    for judge in all_judges(validation, negative):
        logits = predict(model, judge.pixels)["logits"]
        judges[judge.name] = judge.classes != negative, p_finding(logits, run.calibration.temperature, negative)
    return Answers(count_macs(model), judges)


def _write(path: Path, answers: Answers) -> None:
    arrays = {"macs": np.array(answers.macs)}
    for name, (positive, p_pneumonia) in answers.judges.items():
        arrays |= {f"positive {name}": positive, f"p {name}": p_pneumonia}
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomically(path, content.getvalue())
