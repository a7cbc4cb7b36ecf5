"""Every command of the bench is documented, every documented one exists, and help is quick."""

import re
import subprocess
import sys

from benchmarks.__main__ import COMMANDS
from benchmarks.commands.all import PARTS
from benchmarks.tables.fill import MARKED, TABLES, marked_files
from benchmarks.tables.results import SHOWN
from edge_app.system.child_process import ROOT, child_environment

GUIDE = (ROOT / "docs" / "guide" / "benchmark.md").read_text(encoding="utf-8")


def test_every_command_is_documented_and_every_documented_one_exists() -> None:
    documented = set(re.findall(r"python -m benchmarks ([a-z]+)", GUIDE))
    assert documented == {command.NAME for command in COMMANDS}


def test_all_runs_every_benchmark_that_leaves_a_result() -> None:
    assert set(PARTS) == {command.NAME for command in SHOWN}


def test_every_table_stands_in_one_place() -> None:
    pages = [page.read_text(encoding="utf-8") for page in marked_files(ROOT)]
    marked = [match["name"] for text in pages for match in MARKED.finditer(text)]
    assert sorted(marked) == sorted(TABLES)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from benchmarks.__main__ import main\n"
        "try: main(['latency', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(', '.join(sorted({'numpy', 'PIL', 'tensorflow', 'gradio'} & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--twin" in done.stdout
