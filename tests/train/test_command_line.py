"""The messages of `python -m train`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT

from benchmarks.__main__ import COMMANDS as BENCHMARKS
from edge_app.version import __version__
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


def test_doctor_says_what_there_is_and_how_long_an_epoch_takes(tiny_network: None, phantoms: Path, capsys) -> None:
    assert main(["doctor", "--arch", "tiny", "--data", str(phantoms), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["films"], found["missing packages"]) == (72, [])
    assert found["seconds of training in an epoch"] > 0
    assert found["tensorflow"].startswith("2.")
    assert main(["doctor", "--arch", "tiny", "--films", "10"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["films", "10"] in lines
    assert any(line[0] == "gpus" for line in lines)


def test_version_prints_the_name(capsys) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"train {__version__}\n"
