"""What guide/raspberry-pi.md and evidence/reliability.md name exists: tests, counts, commands and options."""

import hashlib
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FAULTS = ROOT / "tests" / "edge_app" / "faults"
RELIABILITY = (ROOT / "docs" / "evidence" / "reliability.md").read_text()
DEPLOY = (ROOT / "docs" / "guide" / "raspberry-pi.md").read_text()
ROWS = re.findall(r"\| `(test_\w+\.py)::(test_\w+)` \|(.*)\|", RELIABILITY)


@pytest.mark.parametrize(("file", "test", "counts"), ROWS, ids=[row[1] for row in ROWS])
def test_each_promise_has_its_test_with_that_count(file, test, counts):
    source = (FAULTS / file).read_text()
    assert f"def {test}(" in source
    for count in re.findall(r"`(\w+ = [\d_]+)`", counts):
        assert re.search(rf"^{count}$", source, re.MULTILINE), f"{file} has no {count}"


def test_each_slow_test_is_marked_slow_in_the_table():
    for line in RELIABILITY.splitlines():
        for file, test in re.findall(r"`(test_\w+\.py)::(test_\w+)`", line):
            marked = re.search(rf"@pytest.mark.slow\n(@.*\n)*def {test}\(", (FAULTS / file).read_text())
            assert bool(marked) == ("*slow*" in line), test


def test_each_command_in_the_deployment_page_exists():
    commands = set(re.findall(r"cxr-edge (?:models )?([a-z]+)(?= |`|\n)", DEPLOY)) - {"kiosk"}
    assert {"doctor", "selftest", "models", "serve"} <= commands | {"models"}
    for command in sorted(set(re.findall(r"cxr-edge ([a-z]+(?: [a-z]+)?)(?=`|\n| [^a-z])", DEPLOY)) - {"kiosk"}):
        words = command.split() if command.split()[0] in ("models", "reviews") else command.split()[:1]
        done = subprocess.run([sys.executable, "-m", "edge_app", *words, "--help"], cwd=ROOT, capture_output=True)
        assert done.returncode == 0, command


def test_each_option_of_the_installer_in_the_deployment_page_exists():
    script = (ROOT / "edge_app" / "deploy" / "install.sh").read_text()
    for option in re.findall(r"^\| `(--[a-z-]+)", DEPLOY, re.MULTILINE):
        assert option in script


def test_the_exposure_in_the_deployment_page_is_that_of_this_unit():
    """`make unit-security` writes the file, and names the unit it describes."""
    report = (ROOT / "docs" / "evidence" / "unit-security.txt").read_text()
    unit = hashlib.sha256((ROOT / "edge_app" / "deploy" / "cxr-edge.service").read_bytes()).hexdigest()
    assert report.splitlines()[0].endswith(unit), "the unit has changed: make unit-security"
    (exposure,) = re.findall(r"Overall exposure level for cxr-edge.service: ([\d.]+)", report)
    assert f"an exposure of {exposure} (" in DEPLOY


def test_each_picture_is_shown_in_a_page_and_taken_by_a_script():
    scripts = "".join(path.read_text() for path in (ROOT / "docs").glob("*.py"))
    pages = "".join(path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")))
    shown = set(re.findall(r"\((?:\.\./|docs/)pictures/([\w-]+)\.png\)", pages))
    assert shown == {path.stem for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert [name for name in shown if f'"{name}"' not in scripts] == []


def test_the_last_run_in_the_reliability_page_is_the_reports():
    """`make fault-report` writes both."""
    script = FAULTS / "report_table.py"
    namespace = runpy.run_path(str(script))
    assert namespace["TABLE"].search(RELIABILITY).group() == namespace["table"]()


def test_the_last_run_lost_nothing_and_tried_enough():
    """What the kit promises to have tried, from the report itself."""
    noted = [json.loads(line) for line in (ROOT / "docs" / "evidence" / "fault-report.jsonl").read_text().splitlines()]

    def total(key, name=""):
        return sum(row.get(key, 0) for row in noted if name in row["test"])

    assert all(total(key) == 0 for key in ("records_lost", "models_lost", "untyped", "crashes", "tracebacks"))
    assert total("kills", "two_servers") >= 200
    assert total("kills", "of_an_install") >= 200
    assert total("bundles_damaged") >= 500
    assert sum(total("films_damaged", f"[{kind}]") for kind in ("JPEG", "PNG", "TIFF", "DICOM")) >= 2_000
    assert total("films", "ten_thousand") >= 10_000
