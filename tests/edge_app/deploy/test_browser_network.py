"""The kiosk's browser, started as the autostart starts it, asks nothing of any other machine.

It runs in a network of its own, to whose loopback every address belongs, and every packet is looked at.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT

SCRIPT = Path(__file__).with_name("browser_network.py")


@pytest.mark.parametrize("seconds", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_the_kiosks_browser_asks_nothing_of_any_other_machine(tmp_path, seconds):
    chromium = shutil.which("chromium")
    if not chromium or os.getuid() or not shutil.which("ip"):
        pytest.skip("needs chromium, root and iproute2")
    if subprocess.run(["unshare", "--net", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no network namespace")
    programs = tmp_path / "programs"
    programs.mkdir()
    # A machine without a screen, and root: two more options for the same browser.
    (programs / "chromium").write_text(f'#!/bin/sh\nexec {chromium} --headless --no-sandbox "$@"\n')
    (programs / "chromium").chmod(0o755)
    alone = ["unshare", "--net", "--pid", "--fork", "--mount-proc"]
    command = [*alone, sys.executable, SCRIPT, str(tmp_path / "home"), str(seconds), str(programs)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=seconds + 60)
    assert done.returncode == 0, done.stderr
    *packets, last = done.stdout.splitlines()
    assert packets == []
    assert int(re.search(r"for (\d+) files", last)[1]) > 10, "the page was open"
