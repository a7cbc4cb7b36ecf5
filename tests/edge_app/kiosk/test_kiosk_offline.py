"""No network, no traces: sockets to other machines raise, and nothing of a film stays behind."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests_support import run_python

from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.gradio_environment import PREFIX, prepare

NO_NETWORK = Path(__file__).parent / "no_network"
REPOSITORY = Path(__file__).parents[3]


def test_sockets_that_raise_change_nothing(start_kiosk, kiosk, tmp_path):
    notes = tmp_path / "notes"
    film = phantom_png("viral", 8)
    path = os.pathsep.join((str(NO_NETWORK), str(REPOSITORY)))
    with start_kiosk(environment={"PYTHONPATH": path, "CXR_TEST_NOTES": str(notes)}) as cut_off:
        alone = json.loads(cut_off.ask("/films", film)[1])
        assert cut_off.ask("/")[0] == 200
    usual = json.loads(kiosk.ask("/films", film)[1])
    assert alone["probabilities"] == usual["probabilities"]
    assert not notes.exists(), f"the kiosk tried to reach {notes.read_text()}"


def test_the_socket_that_raises_does_raise(tmp_path):
    """The test above would pass if sitecustomize were not loaded."""
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(NO_NETWORK)}, capture_output=True, check=False
    )
    assert b"no network" in run.stderr


def test_film_leaves_no_file_behind(kiosk, tmp_path):
    film = phantom_png("bacterial", 9)
    port = kiosk.url.rpartition(":")[2]
    temp = [path for base in ("/dev/shm", "/tmp") for path in Path(base).glob(f"{PREFIX}*-{port}-*")]
    assert temp, "the kiosk has a temp folder of its own"

    def files() -> set[Path]:
        return {path for folder in (*temp, kiosk.home) for path in folder.rglob("*") if path.is_file()}

    before = files()  # other tests use this kiosk
    kiosk.ask("/films", film)
    assert {path.name.split("-")[0] for path in files() - before} <= {"records.sqlite3", "audit.key", "audit.head"}
    head = film[40:200]
    assert not [path for path in files() if head in path.read_bytes()]


def test_what_a_killed_kiosk_left_is_removed_at_the_next_start(tmp_path):
    environment: dict[str, str] = {}
    folder = prepare(1234, environment, memory_disk=tmp_path)
    (folder / "left-over.png").write_bytes(b"film")
    new = prepare(1234, environment, memory_disk=tmp_path)
    assert list(tmp_path.iterdir()) == [new]
    assert environment["GRADIO_TEMP_DIR"] == str(new)
    assert list(new.iterdir()) == []
    assert new.stat().st_mode & 0o777 == 0o700


def test_foreign_folder_or_link_at_the_temp_path_neither_stops_nor_misleads_the_start(tmp_path):
    """Anybody may write to the RAM disk. 0.3.0 failed at a foreign folder there and removed what a link led to."""
    own = f"{PREFIX}{os.getuid()}-1234"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    disk = tmp_path / "disk"
    disk.mkdir()
    for name in (own, f"{own}-abc"):
        (disk / name).symlink_to(elsewhere)
    (disk / f"{own}-file").write_text("")
    if os.getuid() == 0:
        (disk / f"{own}-foreign").mkdir()
        os.chown(disk / f"{own}-foreign", 65534, 65534)
    before = set(disk.iterdir())
    folder = prepare(1234, {}, memory_disk=disk)
    assert folder not in before
    assert set(disk.iterdir()) == before | {folder}
    assert folder.stat().st_uid == os.getuid()


def test_stopped_kiosk_leaves_no_temp_folder(start_kiosk):
    with start_kiosk() as kiosk:
        pattern = f"{PREFIX}*-{kiosk.url.rpartition(':')[2]}-*"
        folders = [path for base in ("/dev/shm", "/tmp") for path in Path(base).glob(pattern)]
        assert len(folders) == 1
        kiosk.process.terminate()
        assert kiosk.process.wait(20) == 0
        assert not folders[0].exists()


def test_another_loopback_address_is_served(start_kiosk):
    with start_kiosk("--host", "127.0.0.2") as kiosk:
        assert kiosk.url.startswith("http://127.0.0.2:")
        assert kiosk.ask("/health")[0] == 200


def test_predict_and_reviews_never_load_the_web(tmp_path):
    film = tmp_path / "film.png"
    film.write_bytes(phantom_png("normal", 1))
    for command in (["predict", str(film)], ["reviews", "list", "--data-dir", str(tmp_path)]):
        code = (
            "import sys; from edge_app.__main__ import main; main(sys.argv[1:]);"
            "sys.exit(bool({'gradio', 'fastapi', 'pydicom', 'pandas'} & set(sys.modules)))"
        )
        run = subprocess.run([sys.executable, "-c", code, *command], cwd=REPOSITORY, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr


def test_the_kiosk_starts_without_stubs_for_editors():
    """They take two fifths of gradio's import, which on a Raspberry Pi is seconds."""
    code = """
        import inspect, sys
        opened = []
        sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
        from edge_app.kiosk.gradio_environment import without_stubs
        with without_stubs():
            import edge_app.kiosk.app
        import gradio
        assert inspect.getfile(gradio.HTML).endswith("html.py")
        print(sum(name.endswith(".pyi") for name in opened), any("gradio" in name for name in opened))"""
    assert run_python("-c", textwrap.dedent(code)).stdout.split() == ["0", "True"]
