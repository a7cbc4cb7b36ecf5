"""What a training makes of the films that it is given: its split, and a summary before it starts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edge_app.errors import DataError
from train.data.labelled import VALIDATION, DataSet
from train.data.loading import LoadedFilms, load_films
from train.data.locator_files import find_locator, preparation_of
from train.data.purpose import Purpose
from train.data.sources import find_data
from train.data.split import AUTO, LEAST_VALIDATION, OFFICIAL, RANDOM, SplitRule, split_films

SIDE_PX = 64


def find_split_data(
    argument: str | Sequence[str] | None, rule: SplitRule, negative: str = "", patients: str = ""
) -> tuple[DataSet, SplitRule]:
    """Find a data set as `find_data` does, with its test part if the rule reads that, and decide what `auto` is."""
    data = find_data(argument, rule.reads_test_folder, negative, patients)
    counts = {
        label: sum(film.label == label and film.part == VALIDATION for film in data.films) for label in data.labels
    }
    held = any(counts.values())
    if rule.name == AUTO:
        rule = replace(rule, name=OFFICIAL if min(counts.values()) >= LEAST_VALIDATION else RANDOM)
        data = find_data(argument, rule.reads_test_folder, negative, patients)
    if held and rule.name != OFFICIAL:
        told = ", ".join(f"{label} {count}" for label, count in counts.items())
        note = (
            f"the validation part ({told}; {LEAST_VALIDATION} of each class are enough) counts as training films, and "
            "validation films are drawn (--split official uses it)"
        )
        data = replace(data, notes=(*data.notes, note))
    return data, rule


def check_data(
    argument: Sequence[str] | None, rule: SplitRule, normal: str = "", patients: str = "", locator: str | None = None
) -> dict[str, Any]:
    """Read every film as `train fit` would.

    Args:
        argument: as `--data`; `normal`, `patients` and `locator` as the options of `train fit`.
    Returns:
        Counts of films by class and part, of patients, duplicates and unusable films; what was guessed and left out
        (`notes`); and the options that `train fit` or `convert` will need for a bundle.
    Raises:
        DataError: there are no films, or no usable ones of a class.
    """
    data, rule = find_split_data(argument, rule, normal, patients)
    films = load_films(data, preparation_of(SIDE_PX, find_locator(locator)))
    return {
        "data": data.name,
        "films": {label: int((films.classes == index).sum()) for index, label in enumerate(data.labels)},
        "normal": data.negative,
        "patients": len({film.patient for film in films.films}),
        "duplicates": sum(count - 1 for count in Counter(films.hashes).values()),
        "unusable": len(data.films) + len(data.faults) - len(films.films),
        "split": _split(data, films, rule),
        "notes": list(data.notes),
        "licence": data.licence,
        "attribution": data.attribution,
        "needed_for_a_bundle": [] if data.is_phantom else list(Purpose().missing),
    }


def _split(data: DataSet, films: LoadedFilms, rule: SplitRule) -> dict[str, Any]:
    """Films by part and class, or why they cannot be split."""
    try:
        manifest = split_films(films, data.name, data.labels, rule)
    except DataError as error:
        return {"rule": rule.name, "refused": str(error)}
    parts = np.array([film["part"] for film in manifest.films])
    labels = np.array([film["label"] for film in manifest.films])
    counts = {
        part: {label: int(((parts == part) & (labels == label)).sum()) for label in data.labels}
        for part in dict.fromkeys(parts.tolist())
    }
    return {"rule": rule.name} | counts
