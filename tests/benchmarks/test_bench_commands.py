"""Every benchmark is documented, every documented command exists, and help is quick."""

import re

import pytest
from tests_support import printed_by

from benchmarks.__main__ import COMMANDS
from benchmarks.commands.all import PARTS
from benchmarks.commands.options import typed_command
from benchmarks.device import BENCHMARKS
from benchmarks.tables.fill import MARKED, TABLES, marked_files
from edge_app.commandline import build_parser
from edge_app.system.child_process import ROOT

GUIDE = (ROOT / "docs" / "guide" / "benchmark.md").read_text(encoding="utf-8")


def test_every_benchmark_is_on_its_page_and_every_command_there_exists() -> None:
    # tests/test_documentation.py checks that every command is documented somewhere.
    documented = set(re.findall(r"python -m benchmarks ([a-z]+)", GUIDE))
    assert documented <= {command.rpartition(".")[2] for command in COMMANDS}
    assert documented >= {*BENCHMARKS, "rejection", "report", "all", "tables"}


def test_every_benchmark_is_a_command_and_all_runs_it() -> None:
    assert set(PARTS) == set(BENCHMARKS)


def test_every_table_stands_in_one_place() -> None:
    pages = [page.read_text(encoding="utf-8") for page in marked_files(ROOT)]
    marked = [match["name"] for text in pages for match in MARKED.finditer(text)]
    assert sorted(marked) == sorted(TABLES)


@pytest.mark.parametrize("study", ["networks", "ablation"])
def test_command_of_a_study_names_its_films_and_its_folder(study: str) -> None:
    words = [study, "--data", "phantom", "--epochs", "2", "--out", "runs/a b"]
    command = typed_command(build_parser("benchmarks", "", COMMANDS, words).parse_args(words), with_out=True)
    assert "--data phantom --epochs 2 --out 'runs/a b' --seeds 0 1 2" in command


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from benchmarks.__main__ import main\n"
        "try: main(['latency', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(', '.join(sorted({'numpy', 'PIL', 'tensorflow', 'gradio'} & set(sys.modules))) or 0)"
    )
    assert "--twin" in printed_by(code)
