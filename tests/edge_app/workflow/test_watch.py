"""A watched folder: complete films are read once, half-written ones wait, nothing in it is changed."""

import json
import os

import pytest

from edge_app.__main__ import main
from edge_app.errors import DataError
from edge_app.imaging.phantom import phantom_png
from edge_app.records.database import open_store
from edge_app.workflow.folder_watch import Watcher


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
    statuses = [json.loads(line)["status"] for line in capsys.readouterr().out.splitlines()]
    assert statuses == ["error", "ok"]
