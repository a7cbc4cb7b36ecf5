"""A site's own films as a list: a CSV with the columns `file`, `finding` and, if known, `patient`.

The kiosk's export says what a reader signed, but deliberately holds no film and no file name. The site
keeps its own list of which record belongs to which file; `join_signed` joins the two.
"""

import csv
import io
from pathlib import Path

from edge_app.errors import DataError
from edge_app.imaging.phantom import LABELS
from edge_app.system.files import write_atomically
from train.data.labelled import DataSet, LabelledFilm, Layout

COLUMNS = ("file", "finding", "patient")
UNUSED = {
    "pneumonia": "of no known kind, bacterial or viral",
    "other": "another finding",
    "unusable": "called unusable",
}


def read_site_list(path: Path) -> DataSet:
    """Read such a list; its files are relative to it. Findings that are not a class are faults.

    Raises:
        DataError: it is not a CSV, or a column or a file is missing.
    """
    films, faults = [], []
    for row in _rows(path, ("file", "finding")):
        file = path.parent / row["file"]
        if row["finding"] in UNUSED:
            faults.append(f"{file.name}: {UNUSED[row['finding']]}")
            continue
        if not file.exists():
            raise DataError(f"{path} names {file}, which is not there: correct the list")
        films.append(LabelledFilm(file.name, row["finding"], row.get("patient") or file.name, file))
    found = {film.label for film in films}
    labels = LABELS if found <= set(LABELS) else tuple(sorted(found))
    return DataSet(path.stem, labels, tuple(films), "the site's own", f"films of the site {path.stem}", tuple(faults))


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
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), restval="")
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as cause:
        raise DataError(f"{path} is not a CSV in UTF-8: {cause}") from cause
    missing = [name for name in needed if name not in (reader.fieldnames or [])]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; it has {', '.join(reader.fieldnames or ['none'])}")
    return rows


def _write(out: Path, lines: list[tuple[Path, str, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    write_atomically(out, text.getvalue().encode())


LAYOUT = Layout(
    description="a site's list as .csv",
    recognises=lambda source: Path(source).is_file() and Path(source).suffix == ".csv",
    read=lambda source, _with_test: read_site_list(Path(source)),
)
