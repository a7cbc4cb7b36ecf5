"""Plain helpers for tests that start processes."""

import copy
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from edge_app.model.bundle import read_bundle, shipped_bundle_path, sidecar_path
from edge_app.model.card import ModelIdentity
from edge_app.reading.decision import Decision
from edge_app.system.files import sha256_of
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


def crafted_bundle(path: Path, fields: dict[str, Any] | None = None, members: dict[str, bytes] | None = None) -> Path:
    """The shipped bundle as somebody with an editor changes it, with a hash that fits.

    Args:
        fields: of the card, by their dotted names.
        members: of the appended ZIP, in place of the shipped ones.
    """
    shipped = read_bundle(shipped_bundle_path())
    with zipfile.ZipFile(io.BytesIO(shipped.content)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    card = copy.deepcopy(json.loads(contents["card.json"]))
    for name, value in (fields or {}).items():
        *above, last = name.split(".")
        place = card
        for key in above:
            place = place[key]
        place[last] = value
    contents["card.json"] = json.dumps(card).encode()
    if "labels" in (fields or {}) and isinstance(card["labels"], list):
        contents["labels.txt"] = "".join(f"{label}\n" for label in card["labels"]).encode("utf-8", "surrogatepass")
    content = io.BytesIO()
    content.write(shipped.model)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, member in (contents | (members or {})).items():
            archive.writestr(name, member)
    return with_hash(path, content.getvalue())


def with_hash(path: Path, content: bytes) -> Path:
    """Write a file and the `.sha256` that belongs to it."""
    path.write_bytes(content)
    sidecar_path(path).write_text(f"{sha256_of(content)}  {path.name}\n")
    return path
