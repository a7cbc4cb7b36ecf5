"""The memory that a training takes does not grow with the films' pixels."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT

WORKER = Path(__file__).with_name("memory_worker.py")
# Training and validation films. Both sets are larger than what is in memory at once: 256 films while they are redrawn.
SMALL, LARGE = (300, 300), (3300, 900)
# A film is in memory with its name, patient, hash and row of the manifest. Its pixels alone would be 45 KiB of each
# training film, and over 500 KiB of each validation film, as it is and changed in four ways.
MOST_KIB_PER_FILM = 20


def _run(*words: object) -> str:
    command = [sys.executable, str(WORKER), *map(str, words)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True, timeout=1800).stdout


@pytest.mark.slow
def test_memory_grows_by_names_and_not_by_pixels(tmp_path: Path) -> None:
    peaks = []
    for films in (SMALL, LARGE):
        data = tmp_path / str(films[0])
        _run("draw", data, *films)
        peaks.append(json.loads(_run(data, tmp_path / f"run{films[0]}", 1))["peak_mib"])
    assert (peaks[1] - peaks[0]) * 1024 / (sum(LARGE) - sum(SMALL)) < MOST_KIB_PER_FILM, peaks
