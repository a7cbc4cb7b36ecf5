"""Every documented command exists, and every command is documented."""

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

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
PARSERS = {
    "edge_app": build_parser("edge_app", "", edge_main.COMMANDS),
    "train": build_parser("train", "", train_main.COMMANDS),
    "benchmarks": build_parser("benchmarks", "", benchmarks_main.COMMANDS),
    "convert": convert_main.build_parser(),
}
BLOCK = re.compile(r"```(?:sh|bash|console)?\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"(?:^|\s|/)python3? -m (edge_app|train|convert|benchmarks)\b([^\n#|;&`]*)")


def _commands(page: Path) -> list[tuple[str, list[str]]]:
    """What a page's code blocks tell a reader to type, as (room, words)."""
    blocks = "\n".join(BLOCK.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ")
    return [(room, shlex.split(words)) for room, words in COMMAND.findall(blocks)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_documented_command_is_understood(page: Path) -> None:
    for room, words in _commands(page):
        if room == "edge_app" and (not words or words[0].startswith("--")):
            words = ["serve", *words]
        try:
            PARSERS[room].parse_args(words)
        except SystemExit:
            pytest.fail(f"{page.name}: python -m {room} {' '.join(words)}")


def test_readme_gives_commands_of_every_room() -> None:
    assert {room for room, _ in _commands(PAGES[0])} == set(PARSERS)


@pytest.mark.parametrize("room", ["edge_app", "train", "benchmarks"])
def test_every_command_is_documented(room: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    (commands,) = (action for action in PARSERS[room]._actions if isinstance(action, argparse._SubParsersAction))
    missing = [name for name in commands.choices if not re.search(rf"{room} {name}\b", text)]
    if room == "edge_app":
        missing = [name for name in missing if name != "serve"]  # `python -m edge_app` is serve
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
