"""What README.md and docs promise: commands that exist, links that work, and pages that stay readable."""

import argparse
import re
import shlex
from pathlib import Path

import pytest
from tests_support import REPOSITORY

import benchmarks.__main__ as benchmarks_main
import convert.__main__ as convert_main
import edge_app.__main__ as edge_main
import train.__main__ as train_main
from edge_app.commandline import build_parser

README = REPOSITORY / "README.md"
PAGES = [README, REPOSITORY / "SECURITY.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
MAX_README_BYTES = 9_000
MAX_COLUMNS = 6
PARSERS = {
    "edge_app": build_parser("edge_app", "", edge_main.COMMANDS),
    "train": build_parser("train", "", train_main.COMMANDS),
    "benchmarks": build_parser("benchmarks", "", benchmarks_main.COMMANDS),
    "convert": convert_main.build_parser(),
}
BLOCK = re.compile(r"```(?:sh|bash|console)?\n(.*?)```", re.DOTALL)
ANY_BLOCK = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(?:^|\s|/)python3? -m (edge_app|train|convert|benchmarks)\b([^\n#|;&`]*)")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
INLINE_CODE = re.compile(r"`[^`]*`")


def _name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


every_page = pytest.mark.parametrize("page", PAGES, ids=_name)


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _prose(page: Path) -> str:
    """A page without its code blocks."""
    return ANY_BLOCK.sub("", _text(page))


def _commands(page: Path) -> list[tuple[str, list[str]]]:
    """What a page's code blocks tell a reader to type, as (package, words)."""
    blocks = "\n".join(BLOCK.findall(_text(page))).replace("\\\n", " ")
    return [(package, shlex.split(words)) for package, words in COMMAND.findall(blocks)]


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = [INLINE_CODE.sub(lambda code: code[0].strip("`"), heading) for heading in HEADING.findall(_prose(page))]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_every_documented_command_is_understood(page: Path) -> None:
    for package, words in _commands(page):
        if package == "edge_app" and (not words or words[0].startswith("--")):
            words = ["serve", *words]
        try:
            PARSERS[package].parse_args(words)
        except SystemExit:
            pytest.fail(f"{_name(page)}: python -m {package} {' '.join(words)}")


def test_readme_gives_commands_of_every_package() -> None:
    assert {package for package, _ in _commands(README)} == set(PARSERS)


@pytest.mark.parametrize("package", ["edge_app", "train", "benchmarks"])
def test_every_command_is_documented(package: str) -> None:
    text = "\n".join(map(_text, PAGES))
    (commands,) = (action for action in PARSERS[package]._actions if isinstance(action, argparse._SubParsersAction))
    missing = [name for name in commands.choices if not re.search(rf"{package} {name}\b", text)]
    assert not missing


@every_page
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, anchor in LINK.findall(_prose(page)):
        file = page.parent / target if target else page
        assert file.exists(), f"{_name(page)}: {target}"
        assert not anchor or anchor in _anchors(file), f"{_name(page)}: {target}#{anchor}"


def test_every_page_is_linked() -> None:
    linked = {(page.parent / target).resolve() for page in PAGES for target, _ in LINK.findall(_prose(page)) if target}
    assert not [_name(page) for page in PAGES if page != README and page not in linked]


def test_readme_is_short() -> None:
    assert len(README.read_bytes()) <= MAX_README_BYTES


@every_page
def test_tables_have_few_columns_and_as_many_in_every_row(page: Path) -> None:
    width = 0
    for line in _prose(page).splitlines():
        cells = line.strip().replace("\\|", "").strip("|").split("|") if line.lstrip().startswith("|") else []
        assert len(cells) <= MAX_COLUMNS, f"{_name(page)}: {line}"
        assert not width or not cells or len(cells) == width, f"{_name(page)}: {line}"
        width = len(cells)


@every_page
def test_pages_describe_the_kit_and_not_its_history(page: Path) -> None:
    """The history of the work is in git, that of the kit in CHANGELOG.md."""
    assert not re.findall(r"\bsessions?\b", _prose(page), re.IGNORECASE)
