"""A module in a child process: its output is returned, and a failure is a typed error."""

from pathlib import Path

import pytest

from edge_app.errors import ChildFailed
from edge_app.system.child_process import run_module


@pytest.fixture
def fake_python(tmp_path: Path):
    """A program in Python's place that runs the lines it is given."""

    def write(lines: str) -> str:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return str(path)

    return write


def test_what_a_child_prints_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # it finds the kit from anywhere
    assert "usage: edge_app" in run_module("edge_app", ["--help"], 60)


@pytest.mark.parametrize(
    ("lines", "code", "reason"),
    [
        ("echo first >&2; echo last >&2; exit 3", 3, "last"),
        ("exit 2", 2, "no reason given"),
        ("kill -SEGV $$", -11, r"crashed with SIGSEGV"),
        ("exec sleep 60", None, "no answer in 0 s"),
    ],
)
def test_how_a_child_failed_is_reported(fake_python, lines: str, code: int | None, reason: str) -> None:
    with pytest.raises(ChildFailed, match=reason) as failure:
        run_module("edge_app", [], 0.3 if code is None else 60, fake_python(lines))
    assert failure.value.code == code
