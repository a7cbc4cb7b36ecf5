"""The messages of `python -m train`."""

import subprocess
import sys

import pytest
from tests_support import ENVIRONMENT

from benchmarks.__main__ import COMMANDS as BENCHMARKS
from train.__main__ import MOVED, main


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_command_that_moved_says_where_it_went(old: str, new: str, capsys) -> None:
    assert main([old, "--data", "phantom"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [f"train: {old} is now python -m benchmarks {new}"]
    assert new in BENCHMARKS


def test_importing_tensorflow_prints_errors_and_nothing_else() -> None:
    code = (
        "import os\nfrom train.keras import tf\ntf.constant(1) + 1\n"
        "from edge_app.system.notices import without_notices\n"
        "with without_notices():\n"
        "    os.write(2, b'I0000 00:00:1.2 3 a.cc:1] notice\\nE0000 00:00:1.2 3 a.cc:1] error\\n')\n"
    )
    child = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert child.stderr.splitlines() == ["E0000 00:00:1.2 3 a.cc:1] error"]
