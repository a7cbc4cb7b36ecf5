"""Running a worker of these tests in a process of its own, which is killed, starved or cut off as it says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT


def run_worker(worker: Path, *words: object, within: tuple[str, ...] = ()) -> dict:
    """The worker's result; nothing may be `broken` in it.

    Args:
        within: a command that runs the worker, such as `unshare --mount`.
    """
    environment = ENVIRONMENT | {"OPENBLAS_NUM_THREADS": "1"}
    command = [*within, sys.executable, str(worker), *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
    if "no mount" in done.stderr:
        pytest.skip("this user may not mount a small file system")
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert not result["broken"], "\n".join([*result["broken"][:20], done.stderr[-2000:]])
    return result


def namespace_of_mounts() -> tuple[str, ...]:
    """The command that gives a worker mounts of its own; skips where there is none."""
    if shutil.which("unshare") is None:
        pytest.skip("util-linux is not installed")
    within = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
    if subprocess.run([*within, "true"], capture_output=True).returncode:
        pytest.skip("this kernel gives this user no mount namespace")
    return within
