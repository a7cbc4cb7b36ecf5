"""The page of promises names only tests that exist."""

import re

from tests_support import REPOSITORY

NAMED = re.compile(r"`(test_\w+\.py)(?:::(test_\w+))?`")


def test_every_test_that_the_page_names_is_there():
    named = NAMED.findall((REPOSITORY / "docs" / "evidence" / "kiosk.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    for file, function in named:
        (path,) = (REPOSITORY / "tests").rglob(file)
        assert not function or f"def {function}(" in path.read_text(encoding="utf-8"), function
