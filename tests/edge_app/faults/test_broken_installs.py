"""A power cut, a failing disk or a full one during `models install` leaves a working model."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("install_worker.py")
ROOT = Path(__file__).parents[3]
SEED = 20261121
KILLS = 200
MANY_KILLS = 3_000


@pytest.fixture
def two_bundles(make_bundle, tmp_path):
    return [str(make_bundle(tmp_path, version)) for version in ("9.1", "9.2")]


@pytest.fixture
def folder(tmp_path):
    """In memory where possible: a killed process loses nothing of a disk's cache, and fsync costs time."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as name:
        yield Path(name) / "data"


def run_worker(mode, folder, bundles, *words, within=()):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [*within, sys.executable, str(WORKER), mode, str(folder), *bundles, *words]
    worker = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1200)
    if "no mount" in worker.stderr:
        pytest.skip("this user may not mount a small file system")
    assert worker.returncode == 0, worker.stderr[-2000:]
    result = json.loads(worker.stdout)
    assert not result["broken"], "\n".join([*result["broken"], worker.stderr[-2000:]])
    return result["tried"]


def test_kill_9_at_any_moment_of_an_install_leaves_a_working_model(folder, tmp_path, make_bundle, two_bundles, tally):
    three = [*two_bundles, str(make_bundle(tmp_path, "9.3"))]
    assert run_worker("kill", folder, three, str(KILLS), str(SEED)) == KILLS
    tally(seed=SEED, kills=KILLS, models_lost=0)


@pytest.mark.slow
def test_kill_9_many_times_leaves_a_working_model(folder, tmp_path, make_bundle, two_bundles, tally):
    three = [*two_bundles, str(make_bundle(tmp_path, "9.3"))]
    assert run_worker("kill", folder, three, str(MANY_KILLS), str(SEED + 1)) == MANY_KILLS
    tally(seed=SEED + 1, kills=MANY_KILLS, models_lost=0)


def test_a_crash_or_a_failure_at_each_step_of_an_install_leaves_a_working_model(folder, two_bundles, tally):
    steps = run_worker("steps", folder, two_bundles)
    assert steps > 90
    tally(steps_broken=steps, models_lost=0)


def test_a_crash_while_the_model_in_use_is_installed_again_leaves_it_in_use(folder, two_bundles, tally):
    """Its folder was once moved away before the new one came: kill -9 between the two lost the model in use."""
    steps = run_worker("again", folder, two_bundles)
    assert steps > 15
    tally(steps_broken=steps, models_lost=0)


@pytest.mark.skipif(shutil.which("unshare") is None, reason="util-linux is not installed")
def test_a_full_or_read_only_disk_leaves_the_model_that_was_in_use(tmp_path, two_bundles, tally):
    small = tmp_path / "small"
    small.mkdir()
    within = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
    if subprocess.run([*within, "true"], capture_output=True).returncode:
        pytest.skip("this kernel gives this user no mount namespace")
    tried = run_worker("disk", small, two_bundles, within=within)
    assert tried > 30
    tally(full_or_read_only=tried, models_lost=0)
