"""The data folder."""

import os
import subprocess
import sys

import pytest
from tests_support import REPOSITORY


def test_user_without_a_home_folder_gets_one_line(tmp_path):
    """A service's user may have none: HOME is not set, and the user's number is in no list."""
    if os.getuid():
        pytest.skip("needs root, to act as a user that is in no list")
    code = "from edge_app.system.home import data_home; data_home()"
    command = ["setpriv", "--reuid=54321", "--clear-groups", sys.executable, "-c", code]
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=bare, capture_output=True, text=True)
    assert "KitError: this user has no home folder: name a data folder with --data-dir" in done.stderr
