"""A network small enough to be trained in a test."""

from collections.abc import Iterator

import pytest

from train.networks import ARCHITECTURES, Architecture
from train.networks.compact import build_compact


@pytest.fixture(scope="session", autouse=True)
def _tiny_network() -> Iterator[None]:
    """Adds `--arch tiny`: the compact network on 32 pixels."""
    ARCHITECTURES["tiny"] = Architecture(build_compact, 32, "tests")
    yield
    del ARCHITECTURES["tiny"]
