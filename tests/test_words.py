"""The repository's vocabulary: identifiers, docstrings and comments use the term that a clinic or an engineer uses."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("edge_app", "train", "convert", "benchmarks", "tests")
SOURCES = sorted({path for room in ROOMS for path in (ROOT / room).rglob("*.py")} - {Path(__file__)})
# Private metaphor to the term. Text in quotes and in `backticks` is free: keys of files, such as "judges", stay.
TERMS = {
    "judges?": "evaluation set",
    "desk": "reading service",
    "slips?": "case",
    "shelf": "recent cases",
    "sheet": "result image",
    "surroundings": "environment",
    "workplace": "placement",
    "farm": "worker pool",
    "rivals?": "other network",
    "contender": "candidate",
    "witness": "fake",
    "lying": "forged",
}
# Turns that a native reader stumbles over, in docstrings and comments, to the plain word.
TURNS = {
    "for ever": "until the process ends, or always",
    "is told": "is called with, or gets",
    "wants": "needs, takes or requires",
    "beside": "in the same folder, next to, or with",
    "unless told": "by default",
    "to be had": "available",
}


def _words(patterns: dict[str, str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])({'|'.join(patterns)})(?![a-z])", re.IGNORECASE)


TERM, TURN = _words(TERMS), _words(TURNS)
QUOTED = re.compile(r"`[^`]*`|\"[^\"\n]*\"")


def _prose(source: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def _identifiers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for field in ("id", "arg", "attr", "name"):
            if isinstance(name := getattr(node, field, None), str):
                yield name


def found_words(source: str) -> list[str]:
    """The words of a module that have a plainer one."""
    tree = ast.parse(source)
    prose = [" ".join(QUOTED.sub("", text).split()) for text in _prose(source, tree)]
    found = [match[1] for text in (*prose, *_identifiers(tree)) for match in TERM.finditer(text)]
    return found + [match[1] for text in prose for match in TURN.finditer(text)]


def test_sources_use_the_standard_term() -> None:
    found = {str(path.relative_to(ROOT)): found_words(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert not {path: words for path, words in found.items() if words}, f"write instead: {TERMS | TURNS}"


def test_planted_words_are_found_and_quoted_keys_are_not() -> None:
    planted = 'def judge_loss():\n    """It runs for ever."""\n    return run["judges"]  # the rival wants `judges`\n'
    assert len(found_words(planted)) == 4
    assert not found_words('"""Adds `judge_auc`."""\nfigures = run["judges"]\n')
