"""Plain helpers for tests that start processes."""

import os
import subprocess
import sys
from pathlib import Path

from edge_app.model.card import ModelIdentity
from edge_app.reading.decision import Decision
from train.data.purpose import Purpose

REPOSITORY = Path(__file__).parent.parent
# A child process finds the kit and these helpers wherever it is started, installed or not.
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])}


def run_python(*words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own that finds the kit, with this test's home; its output as text."""
    environment = os.environ | {"PYTHONPATH": ENVIRONMENT["PYTHONPATH"]} | variables
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600
    )


def printed_by(code: str, *words: str, **variables: str) -> str:
    """What a piece of Python prints in such a process, which must not fail."""
    done = run_python("-c", code, *words, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def a_decision(p_finding: float = 0.7, threshold: float = 0.4) -> Decision:
    """What a model of the kit's three classes may say of a film."""
    return Decision(
        label="viral",
        probabilities={"normal": 1 - p_finding, "bacterial": 0.2, "viral": p_finding - 0.2},
        p_finding=p_finding,
        operating_point="balanced",
        threshold=threshold,
        decision="pneumonia" if p_finding >= threshold else "normal",
        finding="pneumonia",
    )


A_MODEL = ModelIdentity("m", "1", "ab")

A_PURPOSE = Purpose((1, 5), "drawn children", "Tests of the kit alone.")  # what a bundle of films on disk needs

LAN_NAME = "kiosk.clinic"  # as a browser on the LAN would name the kiosk
