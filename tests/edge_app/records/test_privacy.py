"""Another user of the machine reads no record, no back-up, no export and no film."""

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from edge_app.__main__ import main
from edge_app.imaging.phantom import phantom_png
from edge_app.reading.predictor import Predictor
from edge_app.records.database import FILE_NAME, open_store
from edge_app.records.kept_films import KeptFilms
from edge_app.records.record import Signature
from edge_app.records.reviews import sign
from edge_app.system import files
from edge_app.workflow.reading_service import ReadingService

NOBODY = 65534
OTHER_USER = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@pytest.fixture
def home():
    """A data folder as the install stick makes it: others may enter it."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="cxr-privacy-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def umask_of_a_desktop():
    before = os.umask(0o022)
    yield
    os.umask(before)


def exposed(folder: Path) -> list[str]:
    """Files below a folder that another user can read, tried by that user where this one is root."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    if os.getuid():
        return [path.name for path in paths if path.stat().st_mode & 0o077]
    return [
        path.name for path in paths if not subprocess.run([*OTHER_USER, "cat", path], capture_output=True).returncode
    ]


@pytest.mark.usefixtures("umask_of_a_desktop")
def test_another_user_reads_nothing_of_the_record(shipped, home):
    service = ReadingService(Predictor(shipped), home, films=KeptFilms(home / "films"))
    (home / "films").chmod(0o755)  # as a folder that the site made
    case = service.read(phantom_png("viral", 1))
    sign(service.store(), Signature(case.id, "AB", "viral"))
    words = ["--data-dir", str(home)]
    assert main(["reviews", "backup", str(home / "backup.sqlite3"), *words]) == 0
    for kind in ("csv", "json"):
        assert main(["reviews", "export", "--format", kind, "--out", str(home / f"out.{kind}"), *words]) == 0
    assert main(["reviews", "films", "--films", str(home / "films"), "--out", str(home / "site"), *words]) == 0
    names = {path.name for path in home.rglob("*") if path.is_file()}
    assert {FILE_NAME, f"{FILE_NAME}-wal", "backup.sqlite3", "out.csv", "out.json", f"{case.id}.jpg"} <= names
    assert exposed(home) == []


@pytest.mark.usefixtures("umask_of_a_desktop")
def test_kept_film_is_at_no_moment_readable_by_others(home, monkeypatch):
    """0.3.0 renamed it into place first and changed its mode after."""
    modes = []
    monkeypatch.setattr(files, "sync_folder", lambda folder: modes.extend(p.stat().st_mode for p in folder.iterdir()))
    KeptFilms(home / "films").keep("A" * 10, b"film")
    assert [stat.S_IMODE(mode) for mode in modes] == [0o600]


@pytest.mark.usefixtures("umask_of_a_desktop")
def test_record_that_an_older_kit_left_open_is_closed_when_it_is_opened(home):
    open_store(home).close()
    (home / FILE_NAME).chmod(0o644)
    assert exposed(home) == [FILE_NAME]
    store = open_store(home)
    store.note("AB", "anything")
    assert exposed(home) == []
    store.close()
