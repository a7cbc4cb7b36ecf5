import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge_app.errors import DataError
from train.data.labelled import LabelledFilm
from train.data.loading import LoadedFilms
from train.data.patients import name_patients
from train.data.split import (
    LEFT_OUT,
    TRAIN,
    VALIDATION,
    SplitRule,
    apply_manifest,
    check_manifest,
    read_manifest,
    split_films,
    without_seen,
    write_manifest,
)

LABELS = ("normal", "bacterial", "viral")


def _films(patients: int, films_each: int = 3, copies: dict[int, int] | None = None) -> LoadedFilms:
    """Blank films; `copies` gives a film the same pixels as another."""
    count = patients * films_each
    hashes = [f"pixels-{row}" for row in range(count)]
    for copy, original in (copies or {}).items():
        hashes[copy] = hashes[original]
    films = tuple(
        LabelledFilm(f"film{row}", LABELS[row // films_each % 3], f"patient{row // films_each}", Path(f"film{row}"))
        for row in range(count)
    )
    classes = np.array([LABELS.index(film.label) for film in films])
    return LoadedFilms(films, np.zeros((count, 8, 8), dtype=np.uint8), classes, tuple(hashes), (None,) * count)


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_in_two_parts(seed: int) -> None:
    manifest = split_films(_films(60), "set", LABELS, SplitRule(seed=seed))
    sides: dict[str, set[str]] = {}
    for film in manifest.films:
        sides.setdefault(film["patient"], set()).add(film["part"])
    assert all(len(parts) == 1 for parts in sides.values())
    assert len(manifest.rows(VALIDATION)) == 9 * 3  # 15% of 20 patients of each class, 3 films each


def test_patients_that_an_earlier_training_learned_from_are_in_no_later_validation_part() -> None:
    films = _films(60)
    halves = (SplitRule(seed=seed, validation_fraction=0.5) for seed in (0, 1))
    earlier, later = (split_films(films, "set", LABELS, rule) for rule in halves)
    learned = {film["patient"] for film in earlier.films if film["part"] == TRAIN}
    kept = without_seen(later, earlier)
    for before, film in zip(later.films, kept.films, strict=True):
        leaks = before["part"] == VALIDATION and film["patient"] in learned
        assert film["part"] == (LEFT_OUT if leaks else before["part"])
    assert 0 < len(kept.rows(VALIDATION)) < len(later.rows(VALIDATION))
    assert without_seen(earlier, earlier) == earlier


def test_patient_in_both_parts_of_a_publisher_is_tested_and_not_trained_on() -> None:
    films = _films(60)
    both = tuple(
        dataclasses.replace(film, part="test" if row % 3 == 0 and row < 90 else TRAIN)
        for row, film in enumerate(films.films)
    )
    manifest = split_films(dataclasses.replace(films, films=both), "set", LABELS, SplitRule("official"))
    tested = {film["patient"] for film in manifest.films if film["part"] == "test"}
    assert len(tested) == 30
    assert {film["part"] for film in manifest.films if film["patient"] in tested} == {"test", LEFT_OUT}


def test_copies_of_one_film_stay_together_under_two_names() -> None:
    # Patient 0 and patient 30 share a film, patient 30 and patient 45 another: all three go together.
    films = _films(60, copies={90: 0, 137: 91})
    for seed in range(20):
        parts = [film["part"] for film in split_films(films, "set", LABELS, SplitRule(seed=seed)).films]
        assert len({parts[0], parts[90], parts[137]}) == 1


def test_acquisition_order_holds_out_the_lowest_numbers_of_each_class() -> None:
    manifest = split_films(_films(60), "set", LABELS, SplitRule("acquisition-order"))
    # Patients 0, 3, 6, ... are normal, 1, 4, 7, ... bacterial, 2, 5, 8, ... viral: the first 3 of each 20.
    held_out = {film["patient"] for film in manifest.films if film["part"] == VALIDATION}
    assert held_out == {f"patient{number}" for number in range(9)}


def test_acquisition_order_goes_series_by_series_and_by_number_not_by_letter() -> None:
    patients = [f"IM-{number}" for number in range(1, 21)] + [f"NORMAL2-IM-{number}" for number in range(1, 21)]
    patients += [f"person{number}" for number in range(1, 41)]
    labels = ["normal"] * 40 + ["bacterial"] * 20 + ["viral"] * 20
    films = tuple(LabelledFilm(p, label, p, Path(p)) for p, label in zip(patients, labels, strict=True))
    classes = np.array([LABELS.index(label) for label in labels])
    loaded = LoadedFilms(films, np.zeros((80, 8, 8), dtype=np.uint8), classes, tuple(patients), (None,) * 80)
    manifest = split_films(loaded, "set", LABELS, SplitRule("acquisition-order"))
    held_out = {film["patient"] for film in manifest.films if film["part"] == VALIDATION}
    series = ("IM-", "NORMAL2-IM-", "person")
    assert held_out == {f"{name}{number}" for name in series for number in (1, 2, 3)} | {
        f"person{number}" for number in (21, 22, 23)
    }


def test_folds_hold_out_every_patient_once() -> None:
    films = _films(60)
    seen: list[str] = []
    for fold in range(5):
        manifest = split_films(films, "set", LABELS, SplitRule("k-fold", fold=fold))
        seen += sorted({film["patient"] for film in manifest.films if film["part"] == VALIDATION})
    assert sorted(seen) == sorted({film.patient for film in films.films})


def test_unknown_split_is_refused_by_name() -> None:
    for rule in (SplitRule("by-hand"), SplitRule("k-fold", fold=5)):
        with pytest.raises(DataError, match="random, acquisition-order, k-fold"):
            split_films(_films(60), "set", LABELS, rule)


def test_same_seed_gives_the_same_manifest_and_another_seed_another() -> None:
    films = _films(60)
    first, again, other = (split_films(films, "set", LABELS, SplitRule(seed=seed)) for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256


def test_too_few_patients_of_a_class_is_an_error_before_training() -> None:
    with pytest.raises(DataError, match="too few patients"):
        split_films(_films(3), "set", LABELS, SplitRule())


def test_leaking_manifest_is_refused() -> None:
    manifest = split_films(_films(60), "set", LABELS, SplitRule())
    films = list(manifest.films)
    row = int(manifest.rows(VALIDATION)[0])
    films[row] = films[row] | {"part": TRAIN}
    with pytest.raises(DataError, match="leak between the parts by patient"):
        check_manifest(dataclasses.replace(manifest, films=tuple(films)))


def test_manifest_is_read_back_and_finds_its_films(tmp_path: Path) -> None:
    films = _films(60)
    manifest = split_films(films, "set", LABELS, SplitRule())
    write_manifest(manifest, tmp_path / "manifest.json")
    again = read_manifest(tmp_path / "manifest.json")
    assert again.sha256 == manifest.sha256
    shuffled = films.only(np.random.default_rng(0).permutation(len(films.films)))
    found = apply_manifest(shuffled, again, VALIDATION)
    assert [film.name for film in found.films] == [manifest.films[row]["name"] for row in manifest.rows(VALIDATION)]


def test_manifest_of_other_films_is_refused() -> None:
    manifest = split_films(_films(60), "set", LABELS, SplitRule())
    with pytest.raises(DataError, match="give --data the films that the model was trained on"):
        apply_manifest(_films(6), manifest, VALIDATION)


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person1000_bacteria_2931.jpeg", "person1000"),
        ("person1000_virus_1681.jpeg", "person1000"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("NORMAL2-IM-1423-0001.jpeg", "NORMAL2-IM-1423"),
        ("anything.png", "anything.png"),
    ],
)
def test_patient_is_read_from_published_names(name: str, patient: str) -> None:
    assert name_patients([name, "person9_virus_1.png", "IM-0001-0001.png"])[0][0] == patient
