"""Two classes made of three or more: every class with a finding counts as pneumonia.

Films are split by their own classes first, so that both kinds of model are trained and evaluated on the
same patients' films.
"""

from dataclasses import replace

import numpy as np

from train.data.labelled import Classes, DataSet
from train.data.loading import LoadedFilms
from train.data.split import Manifest

POSITIVE = "pneumonia"


def as_labelled(data: DataSet, labels: tuple[str, ...]) -> DataSet:
    """The data set as a model with these labels sees it: merged if the model was trained on two classes."""
    merged = merged_labels(data.labels)
    if labels == data.labels or labels != merged:
        return data
    films = tuple(replace(film, label=merged_label(film.label, data.labels)) for film in data.films)
    return replace(data, labels=merged, films=films)


def merged_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The class without the finding, which comes first as everywhere in the kit, and one for all others."""
    return labels[0], POSITIVE


def merged_classes(classes: Classes) -> Classes:
    """These classes as two."""
    return Classes(merged_labels(classes.labels), classes.negative)


def merged_label(label: str, labels: tuple[str, ...]) -> str:
    """What a film of this label is called in the merged set; `labels` are those of the full set."""
    return label if label == labels[0] else POSITIVE


def merge_films(films: LoadedFilms, labels: tuple[str, ...]) -> LoadedFilms:
    """The films under merged labels; `labels` are those of the full set."""
    return replace(
        films,
        films=tuple(replace(film, label=merged_label(film.label, labels)) for film in films.films),
        classes=(films.classes != 0).astype(np.int64),
    )


def merge_targets(targets: np.ndarray) -> np.ndarray:
    """The targets of training, float32 (films, classes), with the shares of all findings added up."""
    return np.stack([targets[:, 0], targets[:, 1:].sum(axis=1)], axis=1)


def merge_manifest(manifest: Manifest) -> Manifest:
    """The same films in the same parts under merged labels."""
    return replace(
        manifest,
        labels=merged_labels(manifest.labels),
        films=tuple(film | {"label": merged_label(film["label"], manifest.labels)} for film in manifest.films),
    )
