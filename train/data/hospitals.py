"""Films of several hospitals: kept apart, sampled equally, scored separately.

A network trained at one hospital can fail at another (Zech et al., PLoS Med 15:e1002683, 2018),
because it learns how that hospital's films are made. Several sources of equal weight are the remedy.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_app.errors import DataError
from train.data.labelled import DataSet

LOG = logging.getLogger(__name__)
BETWEEN_NAMES = "+"


def joined(sources: Sequence[DataSet]) -> DataSet:
    """Join data sets into one; each film and each patient gets the hospital's name.

    Raises:
        DataError: two have the same name, or their classes differ.
    """
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise DataError(f"two of the sources {', '.join(names)} have the same name: rename a folder")
    labels = sources[0].labels
    for source in sources:
        if source.labels != labels:
            raise DataError(
                f"{source.name} has the classes {', '.join(source.labels)}, {names[0]} {', '.join(labels)}: "
                "hospitals that are trained on together need the same classes"
            )
    films = tuple(
        replace(film, site=f"{source.name}/{film.site}".strip("/"), patient=f"{source.name}/{film.patient}")
        for source in sources
        for film in source.films
    )
    return DataSet(
        name=BETWEEN_NAMES.join(names),
        labels=labels,
        films=films,
        licence="; ".join(f"{source.name}: {source.licence}" for source in sources),
        attribution="; ".join(f"{source.name}: {source.attribution}" for source in sources),
        faults=tuple(f"{source.name}: {fault}" for source in sources for fault in source.faults),
        notes=tuple(f"{source.name}: {note}" for source in sources for note in source.notes),
        drawn=any(source.drawn for source in sources),
    )


def warn_of_missing_classes(data: DataSet) -> None:
    """Warn of a hospital that has no film of a class: there, the hospital gives the class away."""
    for site in dict.fromkeys(film.site for film in data.films):
        here = {film.label for film in data.films if film.site == site}
        for label in data.labels:
            if label not in here:
                LOG.warning("%s has no film of class %s: a model can tell that class by the hospital", site, label)


def epoch_rows(sites: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of one epoch, as many as there are films, every hospital equally often.

    Args:
        sites: name of each film's hospital, (films,).
    Returns:
        int64 (films,). Films of a small hospital come several times, some of a large one not at all.
        With a single hospital every film comes once.
    """
    names = np.unique(sites)
    if len(names) == 1:
        return rng.permutation(len(sites))
    share = -(-len(sites) // len(names))
    drawn = [np.resize(rng.permutation(np.flatnonzero(sites == name)), share) for name in names]
    return rng.permutation(np.concatenate(drawn))[: len(sites)]


def balanced_weights(sites: np.ndarray, classes: np.ndarray, class_count: int) -> np.ndarray:
    """Weights float32 (films,), mean 1 in each hospital: every class of a hospital counts the same."""
    weights = np.zeros(len(classes), dtype=np.float32)
    for name in np.unique(sites):
        here = sites == name
        counts = np.bincount(classes[here], minlength=class_count)
        weights[here] = here.sum() / np.count_nonzero(counts) / counts[classes[here]]
    return weights
