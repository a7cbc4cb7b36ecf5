"""Plain helpers for tests that start processes."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
# A child process finds the kit and the tests' helpers wherever it is started, installed or not.
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(REPOSITORY / "tests")))}
