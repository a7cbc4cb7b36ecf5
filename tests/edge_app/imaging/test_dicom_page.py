"""docs/reference/dicom.md names every element that the kit reads, and every bound as it is."""

import ast
import re

from pydicom.datadict import tag_for_keyword
from tests_support import REPOSITORY

from edge_app.imaging import limits
from edge_app.imaging.dicom.syntaxes import COMPRESSIONS

PAGE = (REPOSITORY / "docs/reference/dicom.md").read_text(encoding="utf-8")
ELEMENTS, BOUNDS = PAGE.split("## Elements")[1].split("## Transfer")[0], PAGE.split("## Bounds")[1]
SOURCES = [*(REPOSITORY / "edge_app/imaging/dicom").glob("*.py"), REPOSITORY / "edge_app/imaging/formats/dicom.py"]


def elements_read() -> set[str]:
    """The keywords that occur as text in the code of the DICOM reader."""
    texts = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if re.fullmatch(r"[A-Z][A-Za-z]{3,}", text) and tag_for_keyword(text)}


def test_every_element_that_is_read_stands_in_the_table_and_no_other() -> None:
    rows = [line.split("|")[1] for line in ELEMENTS.splitlines() if line.startswith("| `")]
    named = {word for row in rows for word in re.findall(r"`(\w+)`", row)}
    assert {name for name in named if tag_for_keyword(name)} == named
    assert elements_read() == named


def test_every_element_has_its_section_of_the_standard() -> None:
    rows = [line for line in ELEMENTS.splitlines() if line.startswith("| `")]
    assert len(rows) > 20
    assert all(re.search(r"PS3\.\d+ ", row.split("|")[2]) for row in rows)


def test_every_bound_stands_in_the_table() -> None:
    values = (
        f"{limits.MAX_FILE_BYTES // limits.MIB} MiB",
        f"{limits.MAX_PIXELS:,}",
        f"{limits.MIN_SIDE_PX} pixels",
        f"scans of a JPEG | {limits.MAX_SCANS}",
        f"pages of a TIFF | {limits.MAX_PAGES}",
        f"{limits.MAX_INFLATED_BYTES - limits.MIB:,}, and 1 MiB",
        f"{limits.MAX_ELEMENTS:,}",
        f"that is read | {limits.MAX_ELEMENT_BYTES // limits.MIB} MiB",
        f"that is read | {limits.MAX_TEXT}",
        f"{limits.MAX_FRAGMENTS:,}",
        f"last pixel | {limits.MAX_EXCESS_BYTES}",
        f"{limits.WORKER_MEMORY_BYTES // limits.MIB:,} MiB",
        f"{limits.BASE_CPU_S:.0f} s, and {limits.CPU_S_PER_MIB:.0f} s for each MiB",
        f"workers | {limits.MAX_WORKERS}: the second starts when a film waited {limits.WAIT_FOR_WORKER_S} s",
    )
    assert [value for value in values if value not in BOUNDS] == []


def test_every_kind_of_compression_is_named() -> None:
    assert [kind.name for kind in COMPRESSIONS if kind.name not in PAGE] == []
