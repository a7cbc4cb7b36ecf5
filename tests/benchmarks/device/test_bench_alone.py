"""benchmarks/device needs only `edge_app`, and uses neither arguments nor a terminal."""

import ast

import pytest
from tests_support import printed_by

from edge_app.system.child_process import ROOT

BLOCKED = ("train", "convert", "tensorflow", "tf_keras", "scipy", "sklearn", "matplotlib", "gradio")
BLOCK = f"import sys\nfor name in {BLOCKED!r}: sys.modules[name] = None\n"
IMPORT_ALL = """
import importlib, pkgutil
import benchmarks.device, benchmarks.output
count = 0
for room in (benchmarks.device, benchmarks.output):
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        importlib.import_module(module.name)
        count += 1
print(count)
"""
BELOW_COMMANDS = sorted(path for room in ("device", "output") for path in (ROOT / "benchmarks" / room).rglob("*.py"))


def test_every_module_can_be_imported_where_only_the_edge_extra_is() -> None:
    assert int(printed_by(BLOCK + IMPORT_ALL)) == len(BELOW_COMMANDS) - 2  # without the two rooms themselves


def test_the_command_line_works_where_only_the_edge_extra_is() -> None:
    assert "--twin" in printed_by(f"{BLOCK}from benchmarks.__main__ import main\nmain(['latency', '--help'])")


@pytest.mark.parametrize("path", BELOW_COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_measurements_neither_parse_arguments_nor_print(path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"argparse", "print"}
