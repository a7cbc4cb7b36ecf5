"""Tables that people write or a spreadsheet saved: CSV in any usual separator and encoding."""

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

from edge_app.errors import DataError

SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """A table's text. Cells have no blanks around them; empty rows are left out."""

    names: tuple[str, ...]
    """Of the columns, as written."""
    rows: tuple[tuple[str, ...], ...]
    """Cells, in the order of `names`; a row may have fewer."""
    separator: str
    """One of `SEPARATORS`. A spreadsheet that separates by commas has no decimal commas."""


def read_table(path: Path) -> Table:
    """Read a CSV: commas, semicolons or tabs, UTF-8, UTF-16 or the machine's own 8 bits, Excel's first line `sep=;`.

    Raises:
        DataError: the file cannot be read, or is none.
    """
    try:
        text = _text(path.read_bytes())
        first, _, rest = text.partition("\n")
        if first.strip().strip('"').lower().startswith("sep="):
            first, text = rest.partition("\n")[0], rest
        separator = max(SEPARATORS, key=first.count)
        table = [
            tuple(cell.strip() for cell in row) for row in csv.reader(io.StringIO(text, None), delimiter=separator)
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as cause:
        raise DataError(f"{path} cannot be read as CSV: {cause}: save it again as CSV") from cause
    names, *rows = [row for row in table if any(row)] or [()]
    return Table(names, tuple(rows), separator)


def _text(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")
