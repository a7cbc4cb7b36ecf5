"""The notebook of the guide runs from its first cell to its last, and is kept without outputs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT, REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "docs/guide").glob("*.ipynb"))
RUN_ALL_CELLS = """
import json, sys
namespace = {"__name__": "__main__"}
for number, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), namespace)
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_runs_and_its_bundle_passes_the_gates(path: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", RUN_ALL_CELLS, str(path)]
    environment = ENVIRONMENT | {"TMPDIR": str(tmp_path), "CXR_EDGE_HOME": str(tmp_path / "home")}
    child = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert child.returncode == 0, child.stderr[-3000:]
    assert "int8 ok" in child.stdout
    assert "0 decisions changed" in child.stdout
    assert "pneumonia {'normal': " in child.stdout, "the answer to a film of pneumonia, with its probabilities"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_kept_without_outputs(path: Path) -> None:
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
