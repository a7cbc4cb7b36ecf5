"""`make shipped`: the commands that make the network that ships, and the same commands on a few phantoms."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from masked_phantoms import write_masked_phantoms
from test_documentation import PARSERS, README
from tests_support import ENVIRONMENT, REPOSITORY

from edge_app.model.bundle import read_bundle

MAKE = ["make", "--assume-old=.venv/ready", "shipped", f"DEV_PYTHON={sys.executable}"]


def test_commands_are_understood_and_documented_word_for_word() -> None:
    shown = subprocess.run([*MAKE, "-n"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"-m (\w+) (.*)", shown)
    assert [(package, words.split()[0]) for package, words in commands] == [
        ("train", "locator"),
        ("convert", "--locator"),
        ("train", "fit"),
        ("convert", "--int8"),
    ]
    page = (README.parent / "docs/guide/reproduce.md").read_text(encoding="utf-8")
    for package, words in commands:
        PARSERS[package].parse_args(shlex.split(words))
        assert f"python -m {package} {words}\n" in page


@pytest.mark.slow
def test_phantoms_go_all_the_way_to_a_bundle_with_its_own_locator(tmp_path: Path) -> None:
    films, masks = write_masked_phantoms(tmp_path, films_per_class=24)
    wide = "--qat-epochs 0 --max-films-missed 20 --max-accuracy-loss 1 --max-flips 1 --max-auc-loss 1"
    wide += " --min-auc 0 --min-recall 0 --min-specificity 0"  # of one epoch
    settings = [
        f"DATA={films}",
        f"MASKS={masks}",
        f"OUT={tmp_path / 'out'}",
        "LOCATOR_SETTINGS=--steps 300 --size 48",
        "FIT_SETTINGS=--epochs 1",
        f"CONVERT_SETTINGS={wide}",
    ]
    done = subprocess.run(
        [*MAKE, *settings], cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\d\d:\d\d:\d\d ", done.stdout, re.MULTILINE)) == 5
    bundle = read_bundle(tmp_path / "out/bundle/compact-int8.tflite")
    assert bundle.locator == (tmp_path / "out/locator-int8/locator-int8.tflite").read_bytes()
