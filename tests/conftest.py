"""What many tests share: phantom films on disk, the shipped bundle, real films where they are."""

import os
from pathlib import Path

import pytest

from edge_app.imaging.phantom import phantom_png
from edge_app.model.bundle import Bundle, read_bundle, shipped_bundle_path

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither see nor touch what this machine's kiosk keeps."""
    monkeypatch.setenv("CXR_EDGE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    """The bundle that the repository ships."""
    return read_bundle(shipped_bundle_path())


@pytest.fixture
def phantom_file(tmp_path: Path) -> Path:
    """A phantom film on disk."""
    path = tmp_path / "phantom.png"
    path.write_bytes(phantom_png("bacterial", seed=7))
    return path


@pytest.fixture(scope="session")
def real_films() -> list[Path]:
    """A few real films; tests that want them are skipped, with a reason, where there are none."""
    root = Path(os.environ.get("CXR_DATA", REPOSITORY.parent / "shared/data/chest_xray")) / "train"
    if not root.is_dir():
        pytest.skip(f"no real films at {root}: set CXR_DATA to run this test on them")
    return [path for kind in ("NORMAL", "PNEUMONIA") for path in sorted((root / kind).iterdir())[::200]]
