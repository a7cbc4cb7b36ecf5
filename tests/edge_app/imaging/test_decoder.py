"""The worker process: what a film does to it, and what it may never do to the process that serves."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dicom_files import dicom_bytes, lossless_jpeg, picture_bytes
from pydicom.uid import RLELossless
from tests_support import ENVIRONMENT

from edge_app.errors import FilmError
from edge_app.imaging.decoder.pool import DecoderPool
from edge_app.imaging.decoder.process import WorkerDied, WorkerProcess
from edge_app.imaging.film import format_of, read_film
from edge_app.imaging.phantom import PhantomStyle, draw_phantom, phantom_png

UNRULY = (sys.executable, str(Path(__file__).with_name("unruly_worker.py")))


def wait_until(condition, within_s: float = 10.0) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_running(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    """A pool whose worker does what the film says."""
    pool = DecoderPool(lambda: WorkerProcess(UNRULY))
    yield pool
    pool.close()


@pytest.fixture
def real_pool() -> Iterator[DecoderPool]:
    pool = DecoderPool()
    yield pool
    pool.close()


def refused(pool: DecoderPool, content: bytes) -> str:
    """The code of a refusal."""
    with pytest.raises(FilmError) as refusal:
        pool.read(content)
    return refusal.value.code


def test_a_worker_gives_the_pixels_the_age_and_the_origin_of_a_film(real_pool):
    pixels = draw_phantom("viral", 1).astype(np.uint16) * 16
    uids = {"SOPInstanceUID": "1.2", "StudyInstanceUID": "1.3", "SeriesInstanceUID": "1.4"}
    for content in (phantom_png("viral", 1), dicom_bytes(pixels, bits_stored=12, PatientAge="003Y", **uids)):
        here, there = read_film(content), real_pool.read(content)
        assert np.array_equal(here.pixels, there.pixels)
        assert (here.age_years, here.dicom_origin, here.width_px) == (
            there.age_years,
            there.dicom_origin,
            there.width_px,
        )


def test_a_worker_gives_the_code_and_the_sentence_of_a_refusal(real_pool):
    for content in (b"", b"no picture", dicom_bytes(draw_phantom("normal", 1), BodyPartExamined="HAND")):
        with pytest.raises(FilmError) as here:
            read_film(content)
        with pytest.raises(FilmError) as there:
            real_pool.read(content)
        assert (here.value.status, here.value.code, here.value.sentence) == (
            there.value.status,
            there.value.code,
            there.value.sentence,
        )


def test_a_file_that_crashes_its_decoder_is_damaged_and_the_next_film_is_read(pool):
    assert refused(pool, b"crash") == "damaged"
    assert pool.read(b"film").pixels.shape == (100, 120)


def test_a_file_that_hangs_is_ended_by_its_processor_time_and_refused_at_once_when_it_comes_again(pool):
    started = time.monotonic()
    assert refused(pool, b"hang") == "too_much_work"
    assert time.monotonic() - started < 30
    started = time.monotonic()
    assert refused(pool, b"hang") == "too_much_work"
    assert time.monotonic() - started < 0.5 * 3
    assert pool.read(b"film").pixels.shape == (100, 120)


def test_a_file_of_the_size_of_a_hanging_one_is_read(pool):
    assert refused(pool, b"crash") == "damaged"
    assert pool.read(b"filmy").pixels.shape == (100, 120)


def test_a_film_is_not_kept_waiting_by_one_that_hangs(pool):
    pool.read(b"film")
    hanging = threading.Thread(target=lambda: refused(pool, b"hang"))
    hanging.start()
    time.sleep(0.2)
    started = time.monotonic()
    pool.read(b"film")
    waited = time.monotonic() - started
    assert hanging.is_alive()
    assert waited < 2 * 3  # three times the promise: other tests run at the same time
    hanging.join()


def test_a_file_that_takes_too_much_memory_costs_a_refusal_and_not_the_worker(pool):
    pool.read(b"film")
    (worker,) = pool._idle
    assert refused(pool, b"swell") == "no_memory"
    assert refused(pool, b"raise") == "damaged"
    assert list(pool._idle) == [worker]


def test_a_worker_that_was_killed_from_outside_costs_no_film(pool):
    pool.read(b"film")
    os.kill(pool._idle[0].pid, signal.SIGKILL)
    assert pool.read(b"film").pixels.shape == (100, 120)
    reading = threading.Thread(target=lambda: refused(pool, b"sleep"))
    reading.start()
    for _ in range(2):  # killed while it decodes: the film is tried once more, then refused, and not remembered
        assert wait_until(lambda: pool._busy == 1)
        time.sleep(0.5)
        for child in children_of(os.getpid()):
            os.kill(child, signal.SIGKILL)
    reading.join(10)
    assert not reading.is_alive()
    assert pool._stopped_a_worker == {}


def children_of(pid: int) -> list[int]:
    """The worker processes of a process."""
    found = subprocess.run(["pgrep", "-P", str(pid), "-f", "worker"], capture_output=True, text=True).stdout
    return [int(line) for line in found.split()]


def test_a_worker_that_cannot_start_is_said_so_and_no_film_is_called_damaged():
    pool = DecoderPool(lambda: WorkerProcess((sys.executable, "-c", "raise SystemExit(3)")))
    assert refused(pool, b"film") == "no_worker"
    pool.close()


@pytest.mark.parametrize("word", ["film", "hang"])
def test_a_worker_does_not_outlive_its_parent_even_while_it_decodes(word):
    script = (
        "import sys; from edge_app.imaging.decoder.process import WorkerProcess\n"
        f"worker = WorkerProcess({UNRULY!r}); worker.read(b'film', None); print(worker.pid, flush=True)\n"
        f"worker.read({word.encode()!r}, None); print('done', flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    worker = int(parent.stdout.readline())
    time.sleep(0.3)
    assert is_running(worker)
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: not is_running(worker), 1.5), "it would decode for two seconds more"


def test_predict_decodes_itself_what_is_checked_first_and_sends_all_else_to_a_worker():
    film = draw_phantom("viral", 1)
    large = np.zeros((3000, 3000), np.uint16)
    safe = [phantom_png("viral", 1), picture_bytes(film, "JPEG"), dicom_bytes(film)]
    unsafe = [
        picture_bytes(film, "TIFF"),
        picture_bytes(film, "BMP"),
        picture_bytes(film, "WEBP"),
        dicom_bytes(film, syntax=RLELossless),
        dicom_bytes(film)[132:],
        dicom_bytes(large),
    ]
    assert [format_of(content).is_safe(content) for content in safe] == [True] * 3
    assert [format_of(content).is_safe(content) for content in unsafe] == [False] * 4 + [True, False]
    script = (
        "import sys; from edge_app.imaging.decoder.choice import read_film_safely\n"
        "read_film_safely(sys.stdin.buffer.read()); print('edge_app.imaging.decoder.pool' in sys.modules)"
    )
    for content, is_sent in ((safe[0], b"False"), (unsafe[0], b"True")):
        child = subprocess.run([sys.executable, "-c", script], input=content, capture_output=True, env=ENVIRONMENT)
        assert child.stdout.strip() == is_sent, child.stderr


def open_files(pid: int) -> list[str]:
    """The open files of a process; asked again if it closed one meanwhile, as a worker does after an answer."""
    while True:
        try:
            return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        except FileNotFoundError:
            assert Path(f"/proc/{pid}").exists()


def test_a_worker_has_neither_the_parents_files_nor_a_runtime(tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        worker = WorkerProcess()
        try:
            worker.read(phantom_png("viral", 1), None)
            links = open_files(worker.pid)
            maps = Path(f"/proc/{worker.pid}/maps").read_text()
            limits = Path(f"/proc/{worker.pid}/limits").read_text()
        finally:
            worker.close()
    assert not [link for link in links if "lock" in link]
    assert len([link for link in links if link.startswith("socket:")]) == 1
    assert "litert" not in maps
    assert "tflite" not in maps
    assert [line.split()[3] for line in limits.splitlines() if line.startswith("Max address space")] == [str(2**30)]


def test_a_dead_worker_cannot_be_asked_again():
    worker = WorkerProcess(UNRULY)
    with pytest.raises(WorkerDied, match="crashed"):
        worker.read(b"crash", None)
    assert not worker.is_alive()
    worker.close()


def test_memory_is_back_after_a_large_film(real_pool):
    small = dicom_bytes(draw_phantom("viral", 1))
    real_pool.read(small)  # pydicom stays
    (worker,) = real_pool._idle

    def resident_mib() -> int:
        return int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20

    before = resident_mib()
    large = np.tile(draw_phantom("viral", 1, PhantomStyle(1024, 1024)).astype(np.uint16) * 16, (4, 4))
    for _ in range(3):
        real_pool.read(dicom_bytes(large, bits_stored=12))
    real_pool.read(small)
    assert resident_mib() - before < 20, "the film alone has 48 MiB"


def test_a_worker_that_hid_gdcm_still_reads_lossless_jpeg(tmp_path):
    pytest.importorskip("gdcm", reason="pip install 'cxr-edge-kit[dicom]'")
    film = draw_phantom("viral", 1).astype(np.uint16) * 16
    packed = lossless_jpeg(dicom_bytes(film, bits_stored=12), tmp_path)
    worker = WorkerProcess()
    try:
        time.sleep(1)  # idle: it imports pydicom
        worker.read(dicom_bytes(film, bits_stored=12), None)
        assert "gdcm" not in maps_of(worker)
        assert np.array_equal(worker.read(packed, None).pixels, read_film(packed).pixels)
        assert "gdcm" in maps_of(worker)
    finally:
        worker.close()


def maps_of(worker: WorkerProcess) -> str:
    """The files that a worker has mapped."""
    return Path(f"/proc/{worker.pid}/maps").read_text()
