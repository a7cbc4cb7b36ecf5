"""What many tests share: phantom films on disk, a tiny trained run, the shipped bundle, real films if present."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_app.imaging.phantom import phantom_png, write_phantom_set
from edge_app.model.bundle import Bundle, read_bundle, shipped_bundle_path

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither read nor change the data of this machine's kiosk."""
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
    """A few real films; tests that need them are skipped, with a reason, if there are none."""
    root = Path(os.environ.get("CXR_DATA", REPOSITORY.parent / "shared/data/chest_xray")) / "train"
    if not root.is_dir():
        pytest.skip(f"no real films at {root}: set CXR_DATA to run this test on them")
    return [path for kind in ("NORMAL", "PNEUMONIA") for path in sorted((root / kind).iterdir())[::200]]


@pytest.fixture(scope="session")
def tiny_network() -> Iterator[None]:
    """Adds `--arch tiny`. TensorFlow is imported here and not above: tests of the device do not need it."""
    from tiny_network import TINY

    from train.networks import ARCHITECTURES

    ARCHITECTURES["tiny"] = TINY
    yield
    del ARCHITECTURES["tiny"]


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 drawn films to train on, 24 of each class; no test writes here."""
    folder = tmp_path_factory.mktemp("phantoms")
    write_phantom_set(folder, films_per_class=24)
    return folder


@pytest.fixture(scope="session")
def tiny_run(tiny_network: None, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of `tiny` after two epochs on `phantoms`; no test writes here."""
    from train.training.fit import FitOptions, fit

    out = tmp_path_factory.mktemp("tiny-run")
    fit(FitOptions(out=out, data=str(phantoms), arch="tiny", epochs=2, batch_size=16))
    return out
