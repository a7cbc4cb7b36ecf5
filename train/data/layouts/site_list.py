"""Films in a list: a CSV with a column for the file, one for the class, and perhaps patient, site and part.

The kiosk's export says what a reader signed, but deliberately holds no film and no file name. The site
keeps its own list of which record belongs to which file; `join_signed` joins the two.
"""

import csv
import io
import os
import re
from dataclasses import replace
from pathlib import Path

from edge_app.errors import DataError
from edge_app.imaging.phantom import LABELS
from edge_app.model.card import FINDING
from edge_app.system.files import write_atomically
from edge_app.system.tables import read_table
from train.data.labelled import TEST, TRAIN, DataSet, LabelledFilm, Layout
from train.data.layouts.folders import PARTS
from train.data.patients import name_patients

COLUMNS = ("file", "finding", "patient")
# Usual names of each column, in small letters and digits alone; the first column of such a name counts.
NAMES = {
    "file": ["file", "filename", "filepath", "path", "image", "imagepath", "imagefile", "img", "imageindex", "film"],
    "finding": ["finding", "label", "class", "target", "diagnosis", "category", "findinglabels", "findings", "result"],
    "patient": ["patient", "patientid", "subject", "subjectid", "pid", "person", "personid"],
    "site": ["site", "hospital", "center", "centre", "institution", "clinic"],
    "split": ["split", "partition", "part", "subset"],
}
UNUSED = {
    FINDING: "of no known kind, bacterial or viral",
    "other": "another finding",
    "unusable": "called unusable",
}
SEVERAL = re.compile(r"[|;]")


def read_site_list(path: Path, with_test: bool = False, patients: str = "") -> DataSet:
    """Read such a list; its files are relative to it. Findings that are not a class are faults.

    Bacterial, viral and normal are three classes, and then pneumonia alone is none; else each finding is a class.

    Args:
        with_test: also read the films of the test part, where there is one.
        patients: rule of `train.data.patients`, instead of the column.
    Raises:
        DataError: it is not a CSV, a column or a file is missing, or a film has several findings.
    """
    rows, note = _named_rows(path)
    rows = [row | {"finding": row["finding"].lower(), "split": _part(path, row.get("split", ""))} for row in rows]
    rows = [row for row in rows if with_test or row["split"] != TEST]
    found = {row["finding"] for row in rows} - {""}
    ours = found <= {*LABELS, *UNUSED}
    kinds = ours and (FINDING not in found or bool(found & set(LABELS[1:])))
    unused = {"": "without a class"} | {word: UNUSED[word] for word in UNUSED if ours and (kinds or word != FINDING)}
    if several := sorted(filter(SEVERAL.search, found)):
        raise DataError(f"{path} gives {several[0]!r}: a film has one class here; keep one finding for each")
    used = [row for row in rows if row["finding"] not in unused]
    files = _files(path, [row["file"] for row in used])
    names, rule = _patients(path, used, patients)
    films = tuple(
        LabelledFilm(file.name, row["finding"], patient, file, row["split"], row.get("site", ""))
        for row, file, patient in zip(used, files, names, strict=True)
    )
    if any(film.site for film in films):
        films = tuple(replace(film, patient=f"{film.site}/{film.patient}") for film in films)
    return DataSet(
        name=path.stem,
        labels=LABELS if kinds else tuple(sorted(found - set(unused))),
        films=films,
        licence="the site's own",
        attribution=f"films of the site {path.stem}",
        faults=tuple(f"{_short(row['file'])}: {unused[row['finding']]}" for row in rows if row["finding"] in unused),
        notes=(note, rule),
    )


def _named_rows(path: Path) -> tuple[list[dict[str, str]], str]:
    """The rows under the names of `NAMES`, and the sentence that says which column was taken for which."""
    table = read_table(path)
    plain = [re.sub("[^a-z0-9]", "", name.lower()) for name in table.names]
    columns = {
        wanted: next(plain.index(name) for name in names if name in plain)
        for wanted, names in NAMES.items()
        if set(names) & set(plain)
    }
    if missing := [name for name in ("file", "finding") if name not in columns]:
        raise DataError(
            f"{path} has no column {', '.join(missing)}, or another usual name of it "
            f"({', '.join(NAMES[missing[0]])}); it has {', '.join(table.names) or 'none'}"
        )
    rows = [{wanted: (*row, *[""] * len(plain))[column] for wanted, column in columns.items()} for row in table.rows]
    return rows, "columns: " + ", ".join(f"{wanted} is {table.names[column]!r}" for wanted, column in columns.items())


def _short(file: str) -> str:
    return "/".join(Path(file).parts[-2:])


def _part(path: Path, split: str) -> str:
    if split and split.lower() not in PARTS:
        raise DataError(f"{path} puts a film into the part {split!r}, expected {', '.join(PARTS)}")
    return PARTS.get(split.lower(), TRAIN)


def _files(path: Path, names: list[str]) -> list[Path]:
    files = [path.parent / name.replace("\\", "/") for name in names]
    if gone := [file for file in files if not file.exists()]:
        raise DataError(f"{path} names {gone[0]}, which is not there ({len(gone)} of {len(files)}): correct the list")
    return files


def _patients(path: Path, rows: list[dict[str, str]], rule: str) -> tuple[list[str], str]:
    places = [row["file"].replace("\\", "/") for row in rows]
    if any(map(os.path.isabs, places)):  # as if the list lay in the folder that holds them all
        files = [(path.parent / place).resolve() for place in places]
        root = os.path.commonpath([file.parent for file in files])
        places = [file.relative_to(root).as_posix() for file in files]
    if not rule and any(row.get("patient") for row in rows):
        patients = [row["patient"] or place for row, place in zip(rows, places, strict=True)]
        return patients, f"{len(rows)} films of {len(set(patients))} patients, as the column says"
    common = os.path.commonpath([os.path.dirname(place) for place in places]) if places else ""  # noqa: PTH120 (text)
    return name_patients(places, rule, depth=len([part for part in common.split("/") if part]))


def join_signed(export: Path, files: Path, out: Path) -> dict[str, int]:
    """Write a site list from the kiosk's export and the site's list of files.

    Args:
        export: of `edge_app reviews export`; signed rows count, except where the reader was unsure.
        files: a CSV with `id` (the record's), `file` and, if known, `patient`.
        out: the list to write.
    Returns:
        How many cases were `joined`, `unsigned`, `unsure`, and `without_film`.
    Raises:
        DataError: a column is missing, or no signed case has a film.
    """
    where = {row["id"]: row for row in _rows(files, ("id", "file"))}
    counts = dict.fromkeys(("joined", "unsigned", "unsure", "without_film"), 0)
    lines = []
    for row in _rows(export, ("id", "status", "verdict", "finding")):
        fate = _fate(row, where)
        counts[fate] += 1
        if fate == "joined":
            film = where[row["id"]]
            lines.append(((files.parent / film["file"]).resolve(), row["finding"], film.get("patient") or row["id"]))
    if not lines:
        raise DataError(f"no signed case of {export} has a film in {files}: the column id must hold the records' ids")
    _write(out, lines)
    return counts


def _fate(row: dict[str, str], where: dict[str, dict[str, str]]) -> str:
    if row["status"] != "signed":
        return "unsigned"
    if row["verdict"] == "unsure":
        return "unsure"
    return "joined" if row["id"] in where else "without_film"


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
    table = read_table(path)
    if missing := [name for name in needed if name not in table.names]:
        raise DataError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.names) or 'none'}")
    return [dict(zip(table.names, (*row, *[""] * len(table.names)), strict=False)) for row in table.rows]


def _write(out: Path, lines: list[tuple[Path, str, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    write_atomically(out, text.getvalue().encode())


LAYOUT = Layout(
    description="a list of films as .csv or .tsv",
    recognises=lambda source: Path(source).is_file() and Path(source).suffix.lower() in (".csv", ".tsv"),
    read=lambda source, with_test, patients: read_site_list(Path(source), with_test, patients),
)
