"""Cutting a data set into training and validation films, and writing down who went where.

A patient is never on two sides. Films with the same pixels belong together even under two
patients' names.
"""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edge_app.errors import DataError
from edge_app.files import sha256_of, write_atomically
from train.inputs import LoadedFilms

TRAIN, VALIDATION = "train", "validation"


@dataclass(frozen=True)
class SplitRule:
    """How films are cut."""

    name: str = "random"
    validation_fraction: float = 0.15  # of the patients
    seed: int = 0


@dataclass(frozen=True)
class Manifest:
    """Which film went where: `films` has name, label, patient, sha256 of the pixels, and part."""

    data: str
    labels: tuple[str, ...]
    rule: SplitRule
    films: tuple[dict[str, str], ...]

    @property
    def sha256(self) -> str:
        """The hash by which a model card names this split."""
        return sha256_of(self.to_json().encode())

    def rows(self, part: str) -> np.ndarray:
        """Indices of the films of one part, int64."""
        return np.array([row for row, film in enumerate(self.films) if film["part"] == part], dtype=np.int64)

    def to_json(self) -> str:
        """The manifest as it stands in a run folder."""
        return json.dumps(asdict(self), indent=0) + "\n"


def split_films(films: LoadedFilms, data: str, labels: tuple[str, ...], rule: SplitRule) -> Manifest:
    """Cut the films by patient.

    Raises:
        DataError: a class would have no film on one side: too few patients.
    """
    groups = patient_groups(films)
    held_out = _held_out(groups, films.classes, rule)
    parts = [VALIDATION if group in held_out else TRAIN for group in groups]
    rows = zip(films.films, films.hashes, parts, strict=True)
    manifest = Manifest(
        data=data,
        labels=labels,
        rule=rule,
        films=tuple(
            {"name": film.name, "label": film.label, "patient": film.patient, "sha256": digest, "part": part}
            for film, digest, part in rows
        ),
    )
    check_manifest(manifest)
    return manifest


def _held_out(groups: list[int], classes: np.ndarray, rule: SplitRule) -> set[int]:
    """The groups to validate on: the same share of every class, a group counting for its first film's."""
    class_of: dict[int, int] = {}
    for group, kind in zip(groups, classes.tolist(), strict=True):
        class_of.setdefault(group, kind)
    rng = np.random.default_rng(rule.seed)
    held_out: set[int] = set()
    for kind in sorted(set(class_of.values())):
        drawn = rng.permutation([group for group in sorted(class_of) if class_of[group] == kind])
        held_out.update(drawn[: max(1, round(rule.validation_fraction * len(drawn)))].tolist())
    return held_out


def patient_groups(films: LoadedFilms) -> list[int]:
    """A number a film, the same for films that must stay together: one patient's, and duplicates."""
    leader: dict[str, str] = {}

    def leader_of(key: str) -> str:
        while leader.setdefault(key, key) != key:
            key = leader[key]
        return key

    for film, digest in zip(films.films, films.hashes, strict=True):
        leader[leader_of(f"pixels {digest}")] = leader_of(f"patient {film.patient}")
    leaders = [leader_of(f"patient {film.patient}") for film in films.films]
    numbers = {name: number for number, name in enumerate(sorted(set(leaders)))}
    return [numbers[name] for name in leaders]


def check_manifest(manifest: Manifest) -> None:
    """Hold a manifest to its promise.

    Raises:
        DataError: a patient or a film's pixels stand on two sides, or a class is missing on one.
    """
    for key in ("patient", "sha256"):
        parts = defaultdict(set)
        for film in manifest.films:
            parts[film[key]].add(film["part"])
        leaking = sorted(value for value, found in parts.items() if len(found) > 1)
        if leaking:
            raise DataError(f"{len(leaking)} leak between the parts by {key}, the first is {leaking[0]}")
    for part in (TRAIN, VALIDATION):
        missing = set(manifest.labels) - {film["label"] for film in manifest.films if film["part"] == part}
        if missing:
            raise DataError(
                f"no film of class {', '.join(sorted(missing))} in the {part} part: the data set has too few patients"
            )


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write it atomically."""
    write_atomically(path, manifest.to_json().encode())


def read_manifest(path: Path) -> Manifest:
    """Read it back and check it.

    Raises:
        DataError: missing, damaged, or leaking.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(
            data=raw["data"],
            labels=tuple(raw["labels"]),
            rule=SplitRule(**raw["rule"]),
            films=tuple(raw["films"]),
        )
    except FileNotFoundError as cause:
        raise DataError(f"{path} is missing: it is written by train fit, beside the model") from cause
    except (ValueError, KeyError, TypeError) as cause:
        raise DataError(f"{path} is damaged: {cause!r}: run train fit again") from cause
    check_manifest(manifest)
    return manifest


def apply_manifest(films: LoadedFilms, manifest: Manifest, part: str) -> LoadedFilms:
    """The films of one part, found by the hash of their pixels and their name.

    Raises:
        DataError: the data set is not the one that the manifest was written for.
    """
    here = {(film.name, digest): row for row, (film, digest) in enumerate(zip(films.films, films.hashes, strict=True))}
    wanted = [(film["name"], film["sha256"]) for film in manifest.films if film["part"] == part]
    missing = [name for name, digest in wanted if (name, digest) not in here]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(wanted)} {part} films of the manifest are not in this data set (the first is "
            f"{missing[0]}): give --data the films that the model was trained on"
        )
    return films.only(np.array([here[key] for key in wanted]))
