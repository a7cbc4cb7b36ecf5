"""Cutting a data set into training and validation films, and writing down who went where.

A patient is never on two sides. Films with the same pixels belong together even under two
patients' names.
"""

import json
import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edge_app.errors import DataError
from edge_app.files import sha256_of, write_atomically
from train.inputs import LoadedFilms

TRAIN, VALIDATION = "train", "validation"
SPLITS = ("random", "acquisition-order", "k-fold")


@dataclass(frozen=True)
class SplitRule:
    """How films are cut; the same share of every class, always by patient.

    `random` draws the validation patients. `acquisition-order` takes the lowest-numbered ones of each
    series: the official test films of the Guangzhou set carry the lowest numbers. `k-fold` cuts the
    drawn patients into `folds` parts and takes part number `fold`.
    """

    name: str = "random"
    validation_fraction: float = 0.15  # of the patients of each class; k-fold takes 1 / folds
    seed: int = 0
    folds: int = 5
    fold: int = 0


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
        content = asdict(self)
        if self.rule.name != "k-fold":
            del content["rule"]["folds"], content["rule"]["fold"]
        return json.dumps(content, indent=0) + "\n"


def split_films(films: LoadedFilms, data: str, labels: tuple[str, ...], rule: SplitRule) -> Manifest:
    """Cut the films by patient.

    Raises:
        DataError: no such rule, or a class would have no film on one side: too few patients.
    """
    if rule.name not in SPLITS or not 0 <= rule.fold < rule.folds:
        raise DataError(f"there is no split {rule.name!r}, fold {rule.fold} of {rule.folds}: {', '.join(SPLITS)}")
    groups = patient_groups(films)
    held_out = _held_out(groups, films, rule)
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


def _held_out(groups: list[int], films: LoadedFilms, rule: SplitRule) -> set[int]:
    """The groups to validate on: the same share of every class, and of every series if by order."""
    first_film = {group: row for row, group in reversed(list(enumerate(groups)))}
    in_order = rule.name == "acquisition-order"
    strata: dict[tuple[int, str], list[int]] = defaultdict(list)
    for group in sorted(first_film):
        film = films.films[first_film[group]]
        series = _series_and_number(film.patient)[0] if in_order else ""
        strata[int(films.classes[first_film[group]]), series].append(group)
    rng = np.random.default_rng(rule.seed)
    held_out: set[int] = set()
    for _, stratum in sorted(strata.items()):
        if in_order:
            ordered = sorted(stratum, key=lambda group: _series_and_number(films.films[first_film[group]].patient))
        else:
            ordered = rng.permutation(stratum).tolist()
        held_out.update(_share(ordered, rule))
    return held_out


def _share(ordered: list[int], rule: SplitRule) -> list[int]:
    """The validation part of one class's groups."""
    if rule.name == "k-fold":
        return ordered[rule.fold :: rule.folds]
    return ordered[: max(1, round(rule.validation_fraction * len(ordered)))]


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


def _series_and_number(patient: str) -> tuple[str, int]:
    """`NORMAL2-IM-0012` as ("NORMAL2-IM-", 12); a name without a number is a series of its own."""
    digits = re.search(r"\d+$", patient)
    return (patient[: digits.start()], int(digits.group())) if digits else (patient, 0)


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
