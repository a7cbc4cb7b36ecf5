"""What the fault tests share: bundles that differ from the shipped one, and a check that costs nothing."""

import dataclasses
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_app.errors import BundleError
from edge_app.model.bundle import read_bundle, shipped_bundle_path, write_bundle


@pytest.fixture(scope="session")
def make_bundle() -> Callable[[Path, str], Path]:
    """Write the shipped model under another version number, so that its hash differs."""
    shipped = read_bundle(shipped_bundle_path())
    with zipfile.ZipFile(io.BytesIO(shipped.content)) as archive:
        model = shipped.content[: min(entry.header_offset for entry in archive.infolist())]

    def make(folder: Path, version: str) -> Path:
        path = folder / f"model-{version}.tflite"
        card = dataclasses.replace(shipped.card, version=version)
        write_bundle(path, model, card, shipped.golden, "for tests\n", shipped.locator)
        return path

    return make


@pytest.fixture
def folder(tmp_path) -> Iterator[Path]:
    """In memory where possible: a killed process loses nothing of a disk's cache, and fsync costs time."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as name:
        yield Path(name)


REPORT = "CXR_FAULT_REPORT"


@pytest.fixture
def tally(request) -> Callable[..., None]:
    """Note what a test tried and found; where CXR_FAULT_REPORT names a file a line is added (`make fault-report`)."""

    def note(**figures: object) -> None:
        if os.environ.get(REPORT):
            line = json.dumps({"test": request.node.name, **figures})
            with Path(os.environ[REPORT]).open("a", encoding="utf-8") as report:
                report.write(f"{line}\n")

    return note


@pytest.fixture
def reading_is_enough() -> Callable[[Path], None]:
    """In place of the check in a child process: the file must be whole."""

    def check(path: Path) -> None:
        read_bundle(path)

    return check


@pytest.fixture
def version_refusing() -> Callable[[str], Callable[[Path], None]]:
    """A check that refuses one version, as if it crashed the interpreter."""

    def refusing(version: str) -> Callable[[Path], None]:
        def check(path: Path) -> None:
            if read_bundle(path).card.version == version:
                raise BundleError(f"{path.name} crashes the interpreter (SIGSEGV)")

        return check

    return refusing
