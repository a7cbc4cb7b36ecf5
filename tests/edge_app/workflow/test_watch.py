"""A watched folder: complete films are read once, half-written ones wait, nothing in it is changed."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests_support import ENVIRONMENT

from edge_app.__main__ import main
from edge_app.errors import ChildFailed, DataError
from edge_app.imaging.decoder.pool import DecoderPool
from edge_app.imaging.decoder.process import WorkerProcess
from edge_app.imaging.film import read_film
from edge_app.imaging.limits import MAX_FILE_BYTES
from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk import server
from edge_app.model.bundle import read_bundle, shipped_bundle_path
from edge_app.reading.predictor import Predictor
from edge_app.records.database import FILE_NAME, open_store
from edge_app.records.intake import close_refused_film, open_refused_films
from edge_app.records.record import Signature
from edge_app.records.reviews import sign
from edge_app.workflow.folder_watch import MAX_TRIES, Watcher, read_each, read_new_films
from edge_app.workflow.reading_service import ReadingService

UNRULY = (sys.executable, str(Path(__file__).parents[1] / "imaging" / "unruly_worker.py"))


def test_film_counts_once_it_stopped_growing(tmp_path):
    watcher, film = Watcher(tmp_path), tmp_path / "film.png"
    film.write_bytes(b"half")
    assert watcher.new_films() == []
    film.write_bytes(b"half and more")
    assert watcher.new_films() == []
    assert watcher.new_films() == [film]
    assert watcher.new_films() == []


def test_film_written_anew_is_new(tmp_path):
    watcher, film = Watcher(tmp_path), tmp_path / "film.png"
    film.write_bytes(b"one")
    watcher.new_films()
    assert watcher.new_films() == [film]
    film.write_bytes(b"another")
    os.utime(film, ns=(1, 1))
    watcher.new_films()
    assert watcher.new_films() == [film]


def test_other_files_and_hidden_ones_are_left_alone(tmp_path):
    for name in ("notes.txt", ".film.png", "IM0001"):
        (tmp_path / name).write_bytes(b"x")
    watcher = Watcher(tmp_path)
    watcher.new_films()
    assert [path.name for path in watcher.new_films()] == ["IM0001"]


def test_missing_folder_is_reported(tmp_path):
    with pytest.raises(DataError, match="connect the disk"):
        Watcher(tmp_path / "usb").new_films()


def test_watch_records_each_film_once_and_touches_nothing(tmp_path, capsys):
    folder, home = tmp_path / "in", ["--data-dir", str(tmp_path / "home")]
    folder.mkdir()
    (folder / "a.png").write_bytes(phantom_png("viral", 1))
    (folder / "b.png").write_bytes(phantom_png("normal", 2))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert main(["watch", str(folder), "--once", "--json", *home]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["saved"] for line in lines] == [True, True]
    assert main(["watch", str(folder), "--once", "--json", *home]) == 0
    assert capsys.readouterr().out == ""
    store = open_store(tmp_path / "home")
    records = store.records()
    store.close()
    assert {record.id for record in records} == {line["id"] for line in lines}
    assert {record.source for record in records} == {"watch"}
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_broken_film_in_the_folder_fails_and_stops_no_other(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"broken")
    (tmp_path / "b.png").write_bytes(phantom_png("viral", 1))
    assert main(["watch", str(tmp_path), "--once", "--json", "--data-dir", str(tmp_path / "home")]) == 1
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert {Path(line["file"]).name: line["status"] for line in lines} == {"a.png": "error", "b.png": "ok"}


def test_a_good_film_beside_killers_is_read_in_each_new_process(tmp_path):
    """The worker does what the first word of a file says, and gives a film for any other word."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, content in (("1.png", b"hang"), ("2.png", b"crash"), ("3.png", b"swell"), ("4.png", b"film")):
        (folder / name).write_bytes(content)
    for home in ("home", "another home"):  # the second one is a kiosk that knows nothing of the first
        pool = DecoderPool(lambda: WorkerProcess(UNRULY))
        service = ReadingService(Predictor(read_bundle(shipped_bundle_path())), tmp_path / home, read=pool.read)
        watcher, answers, started = Watcher(folder), {}, time.monotonic()
        watcher.new_films()

        def take(path, case, answers=answers, started=started):
            answers[path.name] = (case.answer.refusal.code, time.monotonic() - started)

        assert read_each(service.read_file, watcher.new_films(), take) == []
        codes = {name: code for name, (code, _) in answers.items()}
        assert codes.pop("4.png") not in ("damaged", "too_much_work", "no_memory"), "decoded, and then judged"
        assert codes == {"1.png": "too_much_work", "2.png": "damaged", "3.png": "no_memory"}
        assert answers["4.png"][1] < answers["1.png"][1], "it did not wait for the one that hangs"
        service.store().close()
        pool.close()


def test_a_film_on_which_the_kit_itself_fails_stops_no_other(tmp_path, caplog):
    def read(path):
        if path.name == "1":
            raise ZeroDivisionError
        return path.name

    taken = []
    failed = read_each(read, [Path("1"), Path("2")], lambda path, case: taken.append(case))
    assert (taken, failed) == (["2"], [Path("1")])
    assert "1 was not read: ZeroDivisionError" in caplog.text


class FailingDecoder:
    """Fails on each film some times with an error that is none of a film, then decodes it."""

    def __init__(self, times: int) -> None:
        self.times = times

    def read(self, source, min_side_px):
        if self.times:
            self.times -= 1
            raise ChildFailed("the decoder could not be started")
        return read_film(source, min_side_px)


@pytest.fixture
def watched(predictor, tmp_path):
    """A film in a watched folder, the kiosk's service with a decoder that fails, and the watcher."""
    film = tmp_path / "in" / "Anna Musterkind.png"
    film.parent.mkdir()
    film.write_bytes(phantom_png("viral", 1))
    decoder, watcher = FailingDecoder(MAX_TRIES - 1), Watcher(film.parent)
    watcher.new_films()
    return film, decoder, ReadingService(predictor, tmp_path / "home", read=decoder.read), watcher


def test_a_film_on_which_the_kit_failed_is_read_again_and_the_trouble_is_said_until_then(watched):
    film, _, service, watcher = watched
    for _ in range(MAX_TRIES - 1):
        assert server._scan(service, watcher)
        assert service.troubles["watch"].startswith("films that are tried again: 1")
        assert (film.stem in service.troubles["watch"], service.waiting()) == (False, [])
    server._scan(service, watcher)
    assert (len(service.waiting()), service.refused(), service.troubles["watch"]) == (1, [], "")


def test_a_film_on_which_the_kit_always_fails_is_in_the_list_without_an_answer(watched):
    film, decoder, service, watcher = watched
    decoder.times = 10 * MAX_TRIES
    for _ in range(MAX_TRIES + 3):
        server._scan(service, watcher)
    assert [case.answer.refusal.code for case in service.refused()] == ["internal_error"]
    assert (service.troubles["watch"], decoder.times) == ("", 9 * MAX_TRIES)
    service.close_refused(service.refused()[0].id, "TE")
    film.write_bytes(phantom_png("viral", 2))
    decoder.times = 0
    for _ in range(2):
        server._scan(service, watcher)
    assert len(service.waiting()) == 1, "the next child under the same name"


def test_a_film_that_left_the_folder_before_it_could_be_read_is_in_the_list(watched):
    film, _, service, watcher = watched
    server._scan(service, watcher)
    film.unlink()
    for _ in range(3):
        server._scan(service, watcher)
    assert [case.answer.refusal.code for case in service.refused()] == ["missing"]
    assert service.troubles["watch"] == ""


def test_the_command_says_on_which_film_the_kit_failed(tmp_path, capsys, monkeypatch):
    def fail(_):
        raise MemoryError

    monkeypatch.setattr("edge_app.workflow.reading_service.pictures_of", fail)
    (tmp_path / "child.png").write_bytes(phantom_png("viral", 1))
    assert main(["watch", str(tmp_path), "--once", "--json", "--data-dir", str(tmp_path / "home")]) == 1
    [line] = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["reason"]["code"], json.loads(line)["saved"]) == ("internal_error", True)


def test_a_second_unreadable_film_under_the_same_name_is_a_film_of_its_own(service, tmp_path):
    """An X-ray machine that numbers its exports begins again with the same name."""
    film, watcher = tmp_path / "in" / "IM1.dcm", Watcher(tmp_path / "in")
    film.parent.mkdir()

    def come(content: bytes) -> None:
        with film.open("wb") as file:
            file.write(content)
            file.truncate(MAX_FILE_BYTES + 1)
        os.utime(film, ns=(len(content), len(content)))  # another minute
        for _ in range(3):
            read_new_films(service, watcher)

    come(b"child one")
    come(b"the second child")
    assert [case.answer.refusal.code for case in service.refused()] == ["file_too_large"] * 2
    for _ in range(2):
        assert service.read_file(film) is None, "it is listed once"
    for case in service.refused():
        service.close_refused(case.id, "TE")
    assert service.read_file(film).answer.refusal.code == "file_too_large", "it may be a third child's"


def test_entries_that_no_system_can_name_or_look_at_are_left_out_or_read(tmp_path):
    films = tmp_path / "in"
    films.mkdir()
    strange = os.fsencode(films) + b"/f\xe9.png"
    Path(os.fsdecode(strange)).write_bytes(phantom_png("viral", 1))
    (films / "loop.png").symlink_to("loop.png")
    (films / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(films / "pipe.png")
    for name in ("._a.png", ".b.png"):
        (films / name).write_bytes(b"x")
    for folder in ("__MACOSX", "@eaDir", ".Trash"):
        (films / folder).mkdir()
        (films / folder / "c.png").write_bytes(b"x")
    watcher = Watcher(films)
    watcher.new_films()
    assert [os.fsencode(path) for path in watcher.new_films()] == [strange]
    for words in (["watch", str(films), "--once"], ["predict", str(films)]):
        assert main([*words, "--data-dir", str(tmp_path / "home")]) == 0
        assert main([*words, "--data-dir", str(tmp_path / words[0]), "--json"]) == 0


def test_a_film_that_came_while_the_record_was_in_use_elsewhere_is_recorded_afterwards(tmp_path):
    folder, home = tmp_path / "in", tmp_path / "home"
    folder.mkdir()
    open_store(home).close()
    command = (sys.executable, "-u", "-m", "edge_app", "watch", str(folder), "--data-dir", str(home))
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as watch,
        closing(sqlite3.connect(home / FILE_NAME, isolation_level=None)) as other,
    ):
        try:
            (folder / "first.png").write_bytes(phantom_png("viral", 1))
            assert ", record " in watch.stdout.readline()
            other.execute("BEGIN IMMEDIATE")
            (folder / "child.png").write_bytes(phantom_png("viral", 2))
            line = watch.stdout.readline()
            other.execute("ROLLBACK")
            deadline, count = time.monotonic() + 30, "SELECT COUNT(*) FROM records"
            while other.execute(count).fetchone() == (1,) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert other.execute(count).fetchone() == (2,)
        finally:
            watch.terminate()
    assert line.startswith(f"{folder / 'child.png'}: pneumonia, ")
    assert line.endswith(", not saved\n")


def test_what_was_deleted_because_it_was_old_does_not_come_back_from_the_folder(tmp_path, capsys, monkeypatch):
    folder, home = tmp_path / "in", ["--data-dir", str(tmp_path / "home")]
    folder.mkdir()
    (folder / "child.png").write_bytes(phantom_png("viral", 1))
    (folder / "cut.png").write_bytes(b"cut")
    with monkeypatch.context() as long_ago:
        long_ago.setattr("edge_app.records.audit.now", lambda: "2020-01-01T00:00:00Z")
        main(["watch", str(folder), "--once", *home])
        store = open_store(tmp_path / "home")
        sign(store, Signature(store.records()[0].id, "AB", "viral"))
        close_refused_film(store, open_refused_films(store)[0].id, "TE")
    assert main(["reviews", "purge", "--days", "1", "--clock-is-right", *home]) == 0
    assert "2 records deleted" in capsys.readouterr().out
    assert main(["watch", str(folder), "--once", *home]) == 0
    assert (capsys.readouterr().out, store.records(), open_refused_films(store)) == ("", [], [])
    assert store.check() == []
    store.close()


def test_copies_of_a_film_are_recorded_once(tmp_path, capsys):
    for name in "abcdef":
        (tmp_path / f"{name}.png").write_bytes(phantom_png("viral", 1))
    assert main(["watch", str(tmp_path), "--once", "--json", "--data-dir", str(tmp_path / "home")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
