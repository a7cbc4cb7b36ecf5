"""A stranger's folder: any classes, with or without parts, and every guess said before a minute is spent."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests_support import A_PURPOSE

from convert.__main__ import main as convert
from edge_app.errors import DataError
from edge_app.imaging.phantom import phantom_png
from edge_app.model.bundle import read_bundle
from edge_app.model.preparation import Preparation
from train.__main__ import main
from train.data.check import find_split_data
from train.data.loading import load_films
from train.data.patients import name_patients
from train.data.sources import find_data
from train.data.split import LEFT_OUT, TEST, TRAIN, VALIDATION, SplitRule, split_films
from train.training.fit import FitOptions, fit

KINDS = {"NORMAL": "normal", "no": "normal", "PNEUMONIA": "bacterial", "yes": "bacterial"}


def _write(folder: Path, names: Iterable[str], first_seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names, first_seed):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(phantom_png(KINDS.get(folder.name, "viral"), seed))


def _cases(count: int) -> list[str]:
    return [f"case{number:04d}.png" for number in range(count)]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 films in `yes` and `no`, called alike in both."""
    folder = tmp_path_factory.mktemp("own")
    for number, name in enumerate(("no", "yes")):
        _write(folder / name, _cases(16), 100 * number)
    return folder


@pytest.mark.parametrize(("healthy", "ill"), [("NORMAL", "PNEUMONIA"), ("no", "yes")])
def test_films_whose_names_tell_nothing_are_two_classes_from_fit_to_evaluate(
    healthy: str, ill: str, tmp_path: Path, capsys
) -> None:
    for number, name in enumerate((healthy, ill)):
        _write(tmp_path / "films" / name, _cases(12), 100 * number)
    words, run = ["--data", str(tmp_path / "films")], tmp_path / "run"
    assert main(["data", "check", *words]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert checked["films"] == {healthy.lower(): 12, ill.lower(): 12}
    assert checked["normal"] == healthy.lower()
    assert checked["licence"] == "not stated"
    fit(FitOptions(run, words[1], "tiny", epochs=1, batch_size=8, binary=True, purpose=A_PURPOSE))
    capsys.readouterr()
    scored = ["evaluate", str(run / "model.keras"), *words, "--manifest", str(run / "manifest.json"), "--json"]
    assert main(scored) == 0
    assert set(json.loads(capsys.readouterr().out)["class_recall"]) == {healthy.lower(), ill.lower()}


def test_names_that_tell_the_kind_in_few_films_do_not_make_three_classes(tmp_path: Path) -> None:
    _write(tmp_path / "NORMAL", _cases(4))
    _write(tmp_path / "PNEUMONIA", ["person1_virus_1.png", *_cases(3)], 10)
    data = find_data(str(tmp_path))
    assert data.labels == ("normal", "pneumonia")
    assert len(data.films) == 8
    assert "two classes: 1 of 4 names in PNEUMONIA say bacteria or virus, under half" in data.notes


@pytest.mark.parametrize(
    "names", [("0", "1"), ("Healthy", "ill"), ("pneumonia", "no_pneumonia"), ("abnormal", "normal")]
)
def test_normal_is_the_class_whose_name_says_so_and_that_is_said(names: tuple[str, str], tmp_path: Path) -> None:
    for name in names:
        _write(tmp_path / name, ["a.png"])
    data, wanted = find_data(str(tmp_path)), {"pneumonia": "no_pneumonia", "abnormal": "normal"}
    assert data.negative == data.labels[0] == wanted.get(names[0], names[0].lower())
    assert any("counts as normal" in note for note in data.notes) == (data.negative != "normal")


@pytest.mark.parametrize("names", [("ill", "well"), ("healthy", "normal"), ("no", "none")])
def test_normal_must_be_said_where_no_name_or_several_say_it(names: tuple[str, str], tmp_path: Path, capsys) -> None:
    for number, name in enumerate(names):
        _write(tmp_path / name, _cases(8), 100 * number)
    assert main(["data", "check", "--data", str(tmp_path)]) == 1
    assert "with --normal CLASS" in capsys.readouterr().err
    assert main(["data", "check", "--data", str(tmp_path), "--normal", names[1]]) == 0
    assert json.loads(capsys.readouterr().out)["normal"] == names[1]


def test_equal_names_in_two_classes_are_two_patients_and_the_count_is_said(own: Path) -> None:
    data = find_data(str(own))
    assert len({film.patient for film in data.films}) == 32
    assert (
        "32 films of 32 patients: each film counts as a patient of its own (--patients gives another rule)"
        in data.notes
    )


@pytest.mark.parametrize(
    ("places", "patients", "said"),
    [
        (["yes/p1_1.png", "yes/p1_2.png", "no/p2_1.png"], ["p1", "p1", "p2"], "before the last number"),
        (
            ["yes/00000013_005.png", "yes/00000013_006.png", "no/7.png"],
            ["00000013"] * 2 + ["no/7.png"],
            "1 fit no rule",
        ),
        (["yes/anna/a.png", "yes/anna/b.png", "no/ben/a.png"], ["anna", "anna", "ben"], "sub-folder"),
        (["yes/person1_virus_2.png", "no/IM-0012-0001.png"], ["person1", "IM-0012"], "person12_"),
        (["yes/case_1.png", "no/case_1.png"], ["yes/case_1.png", "no/case_1.png"], "each film"),
        ([f"yes/2024_{n}.png" for n in range(30)], [f"yes/2024_{n}.png" for n in range(30)], "each film"),  # a year
    ],
)
def test_patients_are_guessed_by_a_rule_that_is_said(places: list[str], patients: list[str], said: str) -> None:
    found, note = name_patients(places, depth=1)
    assert found == patients
    assert said in note


@pytest.mark.parametrize(
    ("rule", "count", "told"),
    [
        ("(case000)", 1 + 12, "finds the patient"),
        ("file", 32, "each film"),
        (r"\d+", 0, "has 0 groups, expected one"),
        ("(", 0, "is no regular expression"),
        ("child([0-9]+)", 0, "fits none of 32 films"),
    ],
)
def test_a_rule_for_patients_may_be_given(own: Path, rule: str, count: int, told: str, capsys) -> None:
    assert main(["data", "check", "--data", str(own), "--patients", rule]) == int(not count)
    printed = capsys.readouterr()
    assert told in printed.out + printed.err
    assert not count or json.loads(printed.out)["patients"] == count


def test_films_in_sub_folders_are_taken_and_nothing_else_is_left_out_without_a_word(tmp_path: Path, capsys) -> None:
    for number, name in enumerate(("no", "yes")):
        _write(tmp_path / "train" / name, [f"batch/{case}" for case in _cases(16)], 100 * number)
        _write(tmp_path / "train" / name / ".ipynb_checkpoints", ["old.png"])
    for name in ("__MACOSX", "@eaDir", "unsorted"):
        _write(tmp_path / name, ["old.png"])
    for name in ("notes.txt", "no/scan.gif", "no/Thumbs.db"):
        (tmp_path / "train" / name).write_bytes(b"?")
    (tmp_path / "train" / "yes" / "batch" / "case0003.png").write_bytes(b"broken")
    assert main(["data", "check", "--data", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    checked, notes = json.loads(printed.out), " ".join(json.loads(printed.out)["notes"])
    assert checked["films"] == {"no": 16, "yes": 15}
    assert "unsorted/ left out: it is next to the folder for training" in notes
    assert "5 files or folders left out, hidden or of a system: @eaDir, __MACOSX" in notes
    assert "2 files or folders left out, no films: train/no/scan.gif, train/notes.txt" in notes
    assert "skipped batch/case0003.png" in printed.err


def test_a_class_in_capitals_and_small_letters_is_refused(tmp_path: Path) -> None:
    for name in ("no", "yes", "Yes"):
        _write(tmp_path / name, ["a.png"])
    with pytest.raises(DataError, match="several folders called yes"):
        find_data(str(tmp_path))


@pytest.mark.parametrize(
    ("folders", "told"),
    [(("val/no", "test/yes"), "test and val, no train: name one"), (("all/no", "all/yes"), "is it .*/all?")],
)
def test_a_folder_above_or_without_the_training_films_is_refused_with_a_hint(
    folders, told: str, tmp_path: Path
) -> None:
    for folder in folders:
        _write(tmp_path / folder, ["a.png"])
    with pytest.raises(DataError, match=told):
        find_data(str(tmp_path))


def test_a_folder_for_validation_is_used_as_named(tmp_path: Path) -> None:
    for number, (part, count) in enumerate((("train", 20), ("val", 10), ("test", 4))):
        for seed, name in enumerate(("no", "yes")):
            _write(tmp_path / part / name, [f"{part}{case}" for case in _cases(count)], 1000 * number + 100 * seed)
    data, rule = find_split_data(str(tmp_path), SplitRule("auto"))
    manifest = split_films(load_films(data, Preparation(32)), data.name, data.labels, rule)
    assert rule.name == "official"
    assert [len(manifest.rows(part)) for part in (TRAIN, VALIDATION, TEST, LEFT_OUT)] == [40, 20, 8, 0]
    for row in manifest.films:
        assert row["name"].startswith({"validation": "val"}.get(row["part"], row["part"]))


def test_a_folder_for_validation_that_is_too_small_is_trained_on_with_a_word(tmp_path: Path) -> None:
    for number, (part, count) in enumerate((("train", 20), ("val", 8))):
        for seed, name in enumerate(("no", "yes")):
            _write(tmp_path / part / name, [f"{part}{case}" for case in _cases(count)], 1000 * number + 100 * seed)
    data, rule = find_split_data(str(tmp_path), SplitRule("auto"))
    assert (rule.name, len(data.films)) == ("random", 56)
    assert "the validation part (no 8, yes 8; 10 of each class are enough) counts as training" in data.notes[-1]
    data, rule = find_split_data(str(tmp_path), SplitRule("official"))
    manifest = split_films(load_films(data, Preparation(32)), data.name, data.labels, rule)
    assert [len(manifest.rows(part)) for part in (TRAIN, VALIDATION, TEST)] == [40, 16, 0]


def test_training_films_of_a_patient_in_the_validation_part_are_left_out(tmp_path: Path, capsys) -> None:
    for seed, name in enumerate(("no", "yes")):
        _write(
            tmp_path / "train" / name,
            [f"p{seed}{case}_{film}.png" for case in range(10, 20) for film in (1, 2)],
            100 * seed,
        )
        _write(
            tmp_path / "val" / name,
            [f"p{seed}{case}_{film}.png" for case in range(19, 29) for film in (3, 4)],
            300 + 100 * seed,
        )
    data, rule = find_split_data(str(tmp_path), SplitRule("auto"))
    manifest = split_films(load_films(data, Preparation(32)), data.name, data.labels, rule)
    assert [len(manifest.rows(part)) for part in (TRAIN, VALIDATION, LEFT_OUT)] == [36, 40, 4]
    assert "left out 4 training films" in capsys.readouterr().err


def test_a_bundle_of_real_films_says_whom_it_is_for_before_anything_is_converted(
    own: Path, tmp_path: Path, capsys
) -> None:
    run = tmp_path / "run"
    options = FitOptions(run, str(own), "tiny", epochs=1, batch_size=8)
    fit(options)
    wide = ["--max-films-missed", "20", "--max-accuracy-loss", "1", "--max-flips", "1", "--max-auc-loss", "1"]
    wide += ["--min-auc", "0", "--min-recall", "0", "--min-specificity", "0"]  # of one epoch
    words = [
        "--float32",
        "--model",
        str(run / "model.keras"),
        "--data",
        str(own),
        "--out",
        str(tmp_path / "out"),
        *wide,
    ]
    capsys.readouterr()
    assert convert([*words, "--ages", "2", "12"]) == 1
    assert "a bundle says whom it is for: give --population TEXT, --intended-use TEXT" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    said = ["--ages", "2", "12", "--population", "drawn", "--intended-use", "Tests."]
    assert convert([*words, *said]) == 0
    card = read_bundle(tmp_path / "out" / "tiny-float32.tflite").card
    assert (card.intended_use, card.training["population"]) == ("Tests.", "drawn")
    assert card.training["age_range_years"] == [2, 12]
    assert "patients under 2 or over 12 years" in card.not_checked
    assert "Kermany" not in card.data_attribution


@pytest.mark.parametrize("ages", [("-1", "5"), ("1", "151"), ("1.5", "5"), ("young", "5"), ("1",)])
def test_ages_that_are_none_are_a_wrong_command_line(ages: tuple[str, ...], capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["fit", "--data", "phantom", "--ages", *ages])
    assert stopped.value.code == 2
    assert "--ages" in capsys.readouterr().err
