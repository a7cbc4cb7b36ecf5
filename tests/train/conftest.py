"""Every test of training has `--arch tiny`."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _tiny_network(tiny_network: None) -> None:
    """See the fixture of all tests."""
