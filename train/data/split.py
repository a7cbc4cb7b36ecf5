"""Splitting a data set into training, validation and test films, and recording which film went where.

A patient is never in two parts. Films with the same pixels stay together, even under two patients'
names.
"""

import json
import logging
import re
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from edge_app.errors import DataError
from edge_app.system.files import sha256_of, write_atomically
from train.data.labelled import TEST as TEST
from train.data.labelled import TRAIN as TRAIN
from train.data.labelled import VALIDATION as VALIDATION
from train.data.labelled import LabelledFilm
from train.data.loading import LoadedFilms
from train.data.patients import PUBLISHED

LOG = logging.getLogger(__name__)
LEFT_OUT = "left-out"  # in no part, because it would leak
AUTO, RANDOM = "auto", "random"
POOLED, OFFICIAL, K_FOLD = "pooled-70-15-15", "official", "k-fold"
LEAVE_ONE_SOURCE_OUT = "leave-one-source-out"
SPLITS = (AUTO, RANDOM, "acquisition-order", K_FOLD, POOLED, OFFICIAL, LEAVE_ONE_SOURCE_OUT)
LEAST_VALIDATION = 10  # films of each class, for the validation part of a publisher to be used without being asked for
# A manifest holds only the fields that its rule uses, so that a new field changes no manifest's hash.
ALWAYS_WRITTEN = ("name", "validation_fraction", "seed")
WRITTEN_FOR = {K_FOLD: ("folds", "fold"), POOLED: ("test_fraction",), LEAVE_ONE_SOURCE_OUT: ("held_out",)}


@dataclass(frozen=True)
class SplitRule:
    """How films are split: always by patient, with the same share of every class.

    `auto` is `official` where the publisher's validation part is large enough, else `random`; see `train.data.check`.
    `random` draws the validation patients. `acquisition-order` takes the lowest-numbered ones of each
    series: the official test films of the Guangzhou set carry the lowest numbers. `k-fold` divides the
    drawn patients into `folds` parts and takes part number `fold`. `pooled-70-15-15` pools the
    train and test folders and draws validation and test patients. `official` keeps the
    parts as they are and, where none is for validation, draws those patients from the training part.
    `leave-one-source-out` tests on all films of the hospital `held_out` and draws the validation
    patients from the others.
    """

    name: str = RANDOM
    validation_fraction: float = 0.15  # of the patients of each class; k-fold takes 1 / folds
    seed: int = 0
    folds: int = 5
    fold: int = 0
    test_fraction: float = 0.15  # of the patients of each class, of pooled-70-15-15
    held_out: str = ""  # a source's name, of leave-one-source-out

    @property
    def reads_test_folder(self) -> bool:
        """True when the films of a test folder belong to the data set; no other rule reads them."""
        return self.name in (POOLED, OFFICIAL)

    @property
    def has_test_part(self) -> bool:
        """True when films are set aside that neither training nor any choice may use; `official` may have some."""
        return self.name in (POOLED, LEAVE_ONE_SOURCE_OUT)

    def to_json(self) -> dict[str, object]:
        """The fields that this rule uses."""
        used = (*ALWAYS_WRITTEN, *WRITTEN_FOR.get(self.name, ()))
        return {name: value for name, value in asdict(self).items() if name in used}


@dataclass(frozen=True)
class Manifest:
    """Which film is in which part: `films` has name, label, patient, sha256 of the pixels, part, and perhaps site."""

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
        """The manifest as it is written in a run folder."""
        content = asdict(self) | {"rule": self.rule.to_json()}
        return json.dumps(content, indent=0) + "\n"


def split_films(films: LoadedFilms, data: str, labels: tuple[str, ...], rule: SplitRule) -> Manifest:
    """Split the films by patient.

    Raises:
        DataError: no such rule, no test folder where the rule needs one, or a class would have no
            film in a part: too few patients.
    """
    if rule.name not in SPLITS or not 0 <= rule.fold < rule.folds:
        raise DataError(f"there is no split {rule.name!r}, fold {rule.fold} of {rule.folds}: {', '.join(SPLITS)}")
    rule = replace(rule, name=RANDOM) if rule.name == AUTO else rule
    films = _named_by_folder(films) if rule.name == OFFICIAL else films
    if rule.name == LEAVE_ONE_SOURCE_OUT:
        _check_sites(films, rule)
    parts = _parts(films, rule)
    rows = zip(films.films, films.hashes, parts, strict=True)
    manifest = Manifest(
        data=data,
        labels=labels,
        rule=rule,
        films=tuple(_row(film, digest, part) for film, digest, part in rows),
    )
    check_manifest(manifest)
    return manifest


def _row(film: LabelledFilm, digest: str, part: str) -> dict[str, str]:
    """A film's row in the manifest; `site` is there only with several sites."""
    row = {"name": film.name, "label": film.label, "patient": film.patient, "sha256": digest, "part": part}
    return row | {"site": film.site} if film.site else row


def _check_sites(films: LoadedFilms, rule: SplitRule) -> None:
    sites = sorted(set(films.sites))
    if len(sites) < 2 or rule.held_out not in sites:
        known = ", ".join(filter(None, sites)) or "one source"
        raise DataError(
            f"split {rule.name} needs --held-out with one of several --data, got {rule.held_out!r}; there is {known}"
        )


def _named_by_folder(films: LoadedFilms) -> LoadedFilms:
    """Rename the test folder's patients where names are as published: it numbers them from 1 again.

    (Both folders of the Guangzhou set have a `person1`; its authors state that no patient is in both.) Any other
    name is one patient's wherever it stands.

    Raises:
        DataError: there is neither a test nor a validation part.
    """
    if all(film.part == TRAIN for film in films.films):
        raise DataError(
            "split official needs a test folder or a val folder next to the train folder, and there is none: "
            f"put the published films there, or use another --split: {', '.join(SPLITS)}"
        )
    named = [
        replace(film, patient=f"test/{film.patient}")
        if film.is_test and PUBLISHED.fullmatch(film.patient.rpartition("/")[2])
        else film
        for film in films.films
    ]
    return replace(films, films=tuple(named))


def _parts(films: LoadedFilms, rule: SplitRule) -> list[str]:
    """The part of every film."""
    groups = patient_groups(films)
    aside = [_set_aside(film, rule) for film in films.films]
    given = {
        group: part
        for wanted in (VALIDATION, TEST)
        for group, part in zip(groups, aside, strict=True)
        if part == wanted
    }
    to_draw = [-1 if group in given else group for group in groups]
    drawn = {} if VALIDATION in aside else _draw_groups(to_draw, films, rule)
    parts = [
        (part if part == given[group] else LEFT_OUT) if group in given else drawn.get(group, TRAIN)
        for group, part in zip(groups, aside, strict=True)
    ]
    if LEFT_OUT in parts:
        LOG.warning(
            "left out %d training films of patients who are also in the validation or test part, or have a film with "
            "the same pixels as one there",
            parts.count(LEFT_OUT),
        )
    return parts


def _set_aside(film: LabelledFilm, rule: SplitRule) -> str:
    """The part that a film is in before anything is drawn; empty if it has none."""
    if rule.name == LEAVE_ONE_SOURCE_OUT:
        return TEST if film.site == rule.held_out else ""
    return film.part if rule.name == OFFICIAL and film.part != TRAIN else ""


def _draw_groups(groups: list[int], films: LoadedFilms, rule: SplitRule) -> dict[int, str]:
    """Validation and test groups, and their part: the same share of every class and hospital.

    Args:
        groups: the group of each film; below 0 for films that are not to be split.
    """
    first_film = {group: row for row, group in reversed(list(enumerate(groups))) if group >= 0}
    in_order = rule.name == "acquisition-order"
    strata: dict[tuple[int, str], list[int]] = defaultdict(list)
    for group in sorted(first_film):
        film = films.films[first_film[group]]
        series = series_and_number(film.patient)[0] if in_order else film.site
        strata[int(films.classes[first_film[group]]), series].append(group)
    rng = np.random.default_rng(rule.seed)
    parts: dict[int, str] = {}
    for _, stratum in sorted(strata.items()):
        if in_order:
            ordered = sorted(stratum, key=lambda group: series_and_number(films.films[first_film[group]].patient))
        else:
            ordered = rng.permutation(stratum).tolist()
        parts |= _draw_stratum(ordered, rule)
    return parts


def _draw_stratum(ordered: list[int], rule: SplitRule) -> dict[int, str]:
    """Validation and test groups among those of one class."""
    if rule.name == K_FOLD:
        return dict.fromkeys(ordered[rule.fold :: rule.folds], VALIDATION)
    validated = max(1, round(rule.validation_fraction * len(ordered)))
    parts = dict.fromkeys(ordered[:validated], VALIDATION)
    if rule.name == POOLED:
        tested = max(1, round(rule.test_fraction * len(ordered)))
        parts |= dict.fromkeys(ordered[validated : validated + tested], TEST)
    return parts


def patient_groups(films: LoadedFilms) -> list[int]:
    """A number per film, the same for films that must stay together: those of one patient, and duplicates."""
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


def series_and_number(patient: str) -> tuple[str, int]:
    """`NORMAL2-IM-0012` as ("NORMAL2-IM-", 12); a name without a number is a series of its own."""
    digits = re.search(r"\d+$", patient)
    return (patient[: digits.start()], int(digits.group())) if digits else (patient, 0)


def check_manifest(manifest: Manifest) -> None:
    """Check that nothing leaks between the parts, and that every part has every class.

    Raises:
        DataError: a patient or a film's pixels are in two parts, or a class is missing in one.
    """
    used = [film for film in manifest.films if film["part"] != LEFT_OUT]
    for key in ("patient", "sha256"):
        parts = defaultdict(set)
        for film in used:
            parts[film[key]].add(film["part"])
        leaking = sorted(value for value, found in parts.items() if len(found) > 1)
        if leaking:
            raise DataError(f"{len(leaking)} leak between the parts by {key}, the first is {leaking[0]}")
    has_test = manifest.rule.has_test_part or any(film["part"] == TEST for film in used)
    for part in (TRAIN, VALIDATION, *([TEST] if has_test else [])):
        missing = set(manifest.labels) - {film["label"] for film in used if film["part"] == part}
        if missing:
            patients = {label: len({film["patient"] for film in used if film["label"] == label}) for label in missing}
            counts = ", ".join(f"{label} has {count}" for label, count in sorted(patients.items()))
            raise DataError(
                f"no film of class {', '.join(sorted(missing))} in the {part} part: the data set has too few patients "
                f"({counts}); every part needs one of each class"
            )


def without_seen(manifest: Manifest, earlier: Manifest) -> Manifest:
    """Leave out the validation and test films of patients whom an earlier training learned from.

    Raises:
        DataError: a class has no other film in a part.
    """
    seen = {film["sha256"] for film in earlier.films if film["part"] == TRAIN}
    known = {film["patient"] for film in manifest.films if film["sha256"] in seen}
    leaks = [film["part"] in (VALIDATION, TEST) and film["patient"] in known for film in manifest.films]
    if not any(leaks):
        return manifest
    LOG.warning("left out %d validation or test films that the model of --init learned from", sum(leaks))
    films = zip(manifest.films, leaks, strict=True)
    kept = replace(manifest, films=tuple(film | {"part": LEFT_OUT} if leak else film for film, leak in films))
    try:
        check_manifest(kept)
    except DataError as cause:
        raise DataError(f"the model of --init learned from too many of these patients: {cause}") from cause
    return kept


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
        raise DataError(f"{path} is missing: train fit writes it next to the model") from cause
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
    if not wanted:
        raise DataError(
            f"split {manifest.rule.name} has no {part} part: use --split {POOLED} or {OFFICIAL} in train fit"
        )
    missing = [name for name, digest in wanted if (name, digest) not in here]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(wanted)} {part} films of the manifest are not in this data set (the first is "
            f"{missing[0]}): give --data the films that the model was trained on"
        )
    return films.only(np.array([here[key] for key in wanted]))
