"""Lists of films: the tables that people have, and what is read from them."""

import json
from pathlib import Path

import pytest

from edge_app.errors import DataError
from edge_app.imaging.phantom import phantom_png
from train.__main__ import main
from train.data.sources import find_data


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists")
    (folder / "films").mkdir()
    for number in range(4):
        (folder / "films" / f"{number}.png").write_bytes(phantom_png("viral" if number % 2 else "normal", number))
    return folder


def _listed(folder: Path, head: str, rows: list[str], encoding: str = "utf-8", before: str = "") -> str:
    path = folder / "list.csv"
    path.write_text(before + "\n".join([head, *rows]) + "\n", encoding=encoding)
    return str(path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "before"), [("utf-8", ""), ("utf-8-sig", "sep=;\n"), ("utf-16", ""), ("cp1252", "")]
)
def test_any_separator_and_encoding_of_a_spreadsheet_is_read(
    films: Path, separator: str, encoding: str, before: str
) -> None:
    rows = [separator.join((f"films\\{n}.png", "ja" if n % 2 else "Gesund é", f"k{n // 2}")) for n in range(4)]
    data = find_data(
        _listed(films, separator.join(("file", "finding", "patient")), rows, encoding, before), negative="gesund é"
    )
    assert [film.label for film in data.films] == ["gesund é", "ja"] * 2
    assert [film.patient for film in data.films] == ["k0", "k0", "k1", "k1"]


def test_normal_and_pneumonia_are_two_classes_in_a_list(films: Path) -> None:
    rows = [f"films/{n}.png,{'pneumonia' if n % 2 else 'normal'}" for n in range(4)]
    data = find_data(_listed(films, "file,finding", rows))
    assert data.labels == ("normal", "pneumonia")
    assert len(data.films) == 4
    assert not data.faults


def test_columns_by_usual_names_are_taken_and_said(films: Path, capsys) -> None:
    rows = [
        f"films/{n}.png,{'Yes' if n % 2 else 'No'},{n // 2},{'north' if n < 2 else 'south'},train" for n in range(3)
    ]
    rows.append("films/3.png,Yes,1,south,Test")
    listed = _listed(films, "Image Path,Label,Patient ID,Hospital,Split", rows)
    data = find_data(listed, with_test=True)
    assert [(film.site, film.patient, film.part) for film in data.films[1:]] == [
        ("north", "north/0", "train"),
        ("south", "south/1", "train"),
        ("south", "south/1", "test"),
    ]
    assert len(find_data(listed).films) == 3
    main(["data", "check", "--data", listed])
    assert "columns: file is 'Image Path', finding is 'Label', patient is 'Patient ID'" in capsys.readouterr().out


@pytest.mark.parametrize("rule", ["", "folder"])
def test_absolute_paths_have_the_patients_of_relative_ones(tmp_path: Path, rule: str) -> None:
    rows: list[list[str]] = [[], [], []]
    for child in range(6):
        (tmp_path / "films" / f"p{child}").mkdir(parents=True)
        for film in range(2):
            file = tmp_path / "films" / f"p{child}" / f"{film}.png"
            file.write_bytes(phantom_png("viral" if child % 2 else "normal", 10 * child + film))
            finding = "yes" if child % 2 else "no"
            relative, absolute = f"films/p{child}/{film}.png,{finding}", f"{file},{finding}"
            for listed, row in zip(rows, (relative, absolute, (relative, absolute)[film]), strict=True):
                listed.append(row)
    for listed in rows:
        data = find_data(_listed(tmp_path, "file,finding", listed), patients=rule)
        assert [film.patient for film in data.films] == [f"p{child}" for child in range(6) for _ in range(2)]


def test_a_given_rule_counts_more_than_the_column(films: Path, capsys) -> None:
    rows = [f"films/{n}.png,{'yes' if n % 2 else 'no'},one" for n in range(4)]
    listed = _listed(films, "file,finding,patient", rows)
    main(["data", "check", "--data", listed])
    assert json.loads(capsys.readouterr().out)["patients"] == 1
    main(["data", "check", "--data", listed, "--patients", "file"])
    assert json.loads(capsys.readouterr().out)["patients"] == 4


@pytest.mark.parametrize(
    ("head", "rows", "told"),
    [
        ("picture,finding", ["films/0.png,no"], r"has no column file, or another usual name of it \(file, filename"),
        ("file,finding", ["films/0.png,no", "films/9.png,yes"], r"films/9.png, which is not there \(1 of 2\)"),
        ("file,finding", ["films/0.png,Mass|Nodule"], "a film has one class here"),
        ("file,finding,split", ["films/0.png,no,holdout"], "the part 'holdout', expected train"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(films: Path, head: str, rows: list[str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        find_data(_listed(films, head, rows))


def test_a_row_without_a_class_is_named_with_its_folder(films: Path) -> None:
    data = find_data(_listed(films, "file,finding", ["films/0.png,no", "films/1.png,yes", "films/2.png,"]))
    assert data.faults == ("films/2.png: without a class",)
