"""SECURITY.md and the kiosk's promises name only tests that exist."""

import re

import pytest
from tests_support import REPOSITORY

PAGES = (REPOSITORY / "SECURITY.md", REPOSITORY / "docs" / "evidence" / "kiosk.md")
NAMED = [name for page in PAGES for name in re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", page.read_text())]


@pytest.mark.parametrize(("file", "test"), NAMED, ids=["::".join(name) for name in NAMED])
def test_each_promise_has_its_test(file, test):
    found = list((REPOSITORY / "tests").rglob(file))
    assert len(found) == 1
    assert f"def {test}(" in found[0].read_text() if test else True


def test_each_door_of_the_security_page_has_a_promise():
    rows = [line for line in PAGES[0].read_text().splitlines() if line.startswith("|") and "::" in line]
    assert len(rows) > 20
    assert all(re.search(r"`test_\w+\.py::test_\w+`", row) for row in rows)
