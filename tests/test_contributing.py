"""The advice to contributors agrees with what the checks do."""

import re

import pytest
from tests_support import REPOSITORY


def _text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", ".github/PULL_REQUEST_TEMPLATE.md", ".github/workflows/check.yml"])
def test_every_make_target_that_is_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", _text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^|run: )make ([a-z-]+)", _text(page), re.MULTILINE))
    assert named
    assert named <= targets


def test_editorconfig_has_the_line_length_of_ruff() -> None:
    (length,) = re.findall(r"^line-length = (\d+)$", _text("pyproject.toml"), re.MULTILINE)
    assert f"\nmax_line_length = {length}\n" in _text(".editorconfig")


def test_hooks_come_from_the_environment_and_are_not_downloaded() -> None:
    hooks = _text(".pre-commit-config.yaml")
    assert re.findall(r"repo: (\S+)", hooks) == ["local"]
    entries = re.findall(r"entry: (\S+)", hooks)
    assert len(entries) == 3
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    assert set(re.findall(r"language: (\S+)", hooks)) == {"system"}


@pytest.mark.parametrize(
    "form", sorted((REPOSITORY / ".github/ISSUE_TEMPLATE").glob("*.md")), ids=lambda form: form.name
)
def test_every_form_has_a_head_that_names_it(form) -> None:
    assert re.match(r"---\nname: .+\nabout: .+\nlabels: .+\n---\n", form.read_text(encoding="utf-8"))


def test_reports_of_films_ask_for_no_film() -> None:
    for name in ("bug.md", "film-read-wrongly.md"):
        assert "Do not attach" in _text(f".github/ISSUE_TEMPLATE/{name}")
    assert "Never commit a film" in _text("CONTRIBUTING.md")
