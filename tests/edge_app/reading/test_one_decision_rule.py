"""The decision rule is written once: its formulas occur only in `edge_app.reading.decision`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support import REPOSITORY

HOME = REPOSITORY / "edge_app" / "reading" / "decision.py"
ROOMS = ("edge_app", "train", "convert", "benchmarks")
CARD = REPOSITORY / "edge_app" / "model" / "card.py"  # which holds the uncertain band and checks its range
SOURCES = sorted(path for room in ROOMS for path in (REPOSITORY / room).rglob("*.py") if path != HOME)


def _rule_again(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _is_one(node.left):
            if isinstance(node.right, ast.Subscript) and "negative" in ast.unparse(node.right.slice):
                yield f"line {node.lineno}: P(finding) as {ast.unparse(node)}"
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.GtE, ast.Gt, ast.Lt, ast.LtE)):
            sides = [node.left, *node.comparators]
            if len(sides) == 2 and any(_names_threshold(side) for side in sides):
                yield f"line {node.lineno}: a threshold applied by {ast.unparse(node)}"


def _is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _names_threshold(node: ast.AST) -> bool:
    """A comparison with a number only checks a threshold's range; comparing with a threshold applies it."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name == "threshold" or name.endswith("_threshold")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_other_module_restates_the_decision_rule(path: Path) -> None:
    assert not list(_rule_again(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "again",
    [
        "p = 1 - softmax(logits, t)[:, negative]",
        "p = 1.0 - probabilities[..., card.negative_index]",
        "called = p >= threshold",
        "called = p_pneumonia >= point.threshold",
        "missed = p < first_threshold",
    ],
)
def test_a_restated_rule_is_found(again: str) -> None:
    assert list(_rule_again(ast.parse(again)))


def _band_again(tree: ast.AST) -> list[str]:
    """Where the band is taken apart; to pass it on is allowed."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    passed_on = {id(value) for call in calls for value in (*call.args, *(word.value for word in call.keywords))}
    return [
        f"line {node.lineno}: the card's band taken apart"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "uncertainty_band" and id(node) not in passed_on
    ]


@pytest.mark.parametrize("path", [path for path in SOURCES if path != CARD], ids=lambda path: path.name)
def test_no_other_module_takes_the_uncertain_band_apart(path: Path) -> None:
    assert not _band_again(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("again", ["low, high = card.uncertainty_band", "inside = card.uncertainty_band[0] < p"])
def test_a_band_taken_apart_is_found(again: str) -> None:
    assert _band_again(ast.parse(again))
