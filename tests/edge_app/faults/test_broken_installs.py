"""A power cut, a failing disk or a full one during `models install` leaves a working model."""

from pathlib import Path

import pytest
from workers import namespace_of_mounts, run_worker

WORKER = Path(__file__).with_name("install_worker.py")
SEED = 20261121
KILLS = 200
MANY_KILLS = 3_000


@pytest.fixture
def two_bundles(make_bundle, tmp_path):
    return [str(make_bundle(tmp_path, version)) for version in ("9.1", "9.2")]


def test_kill_9_at_any_moment_of_an_install_leaves_a_working_model(folder, tmp_path, make_bundle, two_bundles, tally):
    three = [*two_bundles, str(make_bundle(tmp_path, "9.3"))]
    assert run_worker(WORKER, "kill", folder / "data", *three, KILLS, SEED)["tried"] == KILLS
    tally(seed=SEED, kills=KILLS, models_lost=0)


@pytest.mark.slow
def test_kill_9_many_times_leaves_a_working_model(folder, tmp_path, make_bundle, two_bundles, tally):
    three = [*two_bundles, str(make_bundle(tmp_path, "9.3"))]
    assert run_worker(WORKER, "kill", folder / "data", *three, MANY_KILLS, SEED + 1)["tried"] == MANY_KILLS
    tally(seed=SEED + 1, kills=MANY_KILLS, models_lost=0)


def test_a_crash_or_a_failure_at_each_step_of_an_install_leaves_a_working_model(folder, two_bundles, tally):
    steps = run_worker(WORKER, "steps", folder / "data", *two_bundles)["tried"]
    assert steps > 90
    tally(steps_broken=steps, models_lost=0)


def test_a_crash_while_the_model_in_use_is_installed_again_leaves_it_in_use(folder, two_bundles, tally):
    """Its folder was once moved away before the new one came: kill -9 between the two lost the model in use."""
    steps = run_worker(WORKER, "again", folder / "data", *two_bundles)["tried"]
    assert steps > 15
    tally(steps_broken=steps, models_lost=0)


def test_a_full_or_read_only_disk_leaves_the_model_that_was_in_use(tmp_path, two_bundles, tally):
    small = tmp_path / "small"
    small.mkdir()
    tried = run_worker(WORKER, "disk", small, *two_bundles, within=namespace_of_mounts())["tried"]
    assert tried > 30
    tally(full_or_read_only=tried, models_lost=0)
