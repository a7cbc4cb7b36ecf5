"""Breaks the record store in every way it can; run by `test_broken_records.py`, in a process of its own.

    python record_worker.py kill FOLDER CYCLES SEED      kill -9 two writers at a random moment
    python record_worker.py start FOLDER TIMES           start three servers at once on a new folder
    python record_worker.py damage FOLDER TIMES SEED     flip, cut and overwrite the database and its log
    python record_worker.py disk FOLDER                  fill a small file system, then make it read-only
    python record_worker.py limit FOLDER TIMES           let writes beyond a growing size fail
    python record_worker.py steps FOLDER                 let each step of input or output fail; needs LD_PRELOAD

Prints one JSON object: what was tried, how many records were acknowledged, each broken promise.
"""

import ctypes
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from mutations import mutated
from tests_support import A_MODEL, a_decision

from edge_app.errors import StoreError
from edge_app.records.database import FILE_NAME, Store, open_store
from edge_app.records.record import Draft, Signature, new_record_id
from edge_app.records.reviews import sign

counts = {"tried": 0, "acknowledged": 0, "refused": 0, "set_aside": 0}


def write_one(store: Store) -> str:
    """A draft and its review; its id once both are acknowledged."""
    draft = Draft(new_record_id(), new_record_id(), a_decision(), A_MODEL, "r")
    store.add_draft(draft)
    sign(store, Signature(draft.id, "AB", "pneumonia"))
    return draft.id


def in_child(work: Callable[[int], None]) -> tuple[int, list[str], int]:
    """Fork a worker that writes ids to a pipe; returns the process, a reader's end comes with `collect`."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, [], reading
    os.close(reading)
    code = 3
    try:
        work(writing)
        code = 0
    except StoreError as error:
        print(f"refused: {error}", file=sys.stderr)
        code = 1
    except BaseException as error:
        print(f"untyped: {error!r}", file=sys.stderr)
    finally:
        os._exit(code)


def collect(child: int, reading: int) -> tuple[list[str], int]:
    """The ids that a worker acknowledged, and its exit code; -9 when it was killed."""
    with os.fdopen(reading) as pipe:
        lines = pipe.read().split("\n")[:-1]
    return lines, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def missing(folder: Path, acknowledged: set[str]) -> Iterator[str]:
    """Each acknowledged record that is not there, signed; a broken log; a database set aside."""
    store = open_store(folder, serves=True)
    try:
        if store.set_aside:
            yield f"a sound database was set aside: {store.set_aside.name}"
        kept = {record.id for record in store.records("signed")}
        if lost := acknowledged - kept:
            yield f"{len(lost)} acknowledged records were lost"
        yield from store.check()
    finally:
        store.close()


def kills(folder: Path, cycles: int, seed: int) -> Iterator[str]:
    """Two servers on one store, both killed; whatever either acknowledged must be there."""
    chance, acknowledged = random.Random(seed), set()

    def write(pipe: int) -> None:
        store = open_store(folder)
        while True:
            os.write(pipe, f"{write_one(store)}\n".encode())

    for cycle in range(cycles):
        workers = [in_child(write) for _ in range(2)]
        time.sleep(chance.uniform(0.005, 0.04))
        for child, _, _ in workers:
            os.kill(child, signal.SIGKILL)
        for child, _, reading in workers:
            ids, code = collect(child, reading)
            acknowledged.update(ids)
            if code != -signal.SIGKILL:
                yield f"cycle {cycle}: a writer ended by itself ({code})"
        counts["tried"] += 1
        counts["acknowledged"] = len(acknowledged)
        if cycle % 10 == 9 or cycle == cycles - 1:  # what was lost stays lost, so checking now and then is enough
            yield from (f"cycle {cycle}: {promise}" for promise in missing(folder, acknowledged))


def start(folder: Path, times: int) -> Iterator[str]:
    """Three servers that start at once on a folder without a record must all open it."""
    for number in range(times):
        servers = [in_child(lambda _, target=folder / str(number): open_store(target).close()) for _ in range(3)]
        for child, _, reading in servers:
            code = collect(child, reading)[1]
            if code:
                yield f"start {number}: a server did not open the record ({code})"
        counts["tried"] += 1


def damage(folder: Path, times: int, seed: int) -> Iterator[str]:
    """A damaged database is opened or set aside, byte for byte; the kiosk goes on either way."""
    whole = folder / "whole"
    store = open_store(whole)
    for _ in range(40):
        write_one(store)
    shutil.copytree(whole, folder / "open")  # with its write-ahead log, as a power cut leaves it
    store.close()
    for index in range(times):
        chance, target = np.random.default_rng([seed, index]), folder / "damaged"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder / "open" if index % 2 else whole, target)
        files = sorted(path for path in target.iterdir() if path.stat().st_size)
        path = files[int(chance.integers(len(files)))]
        content = mutated(path.read_bytes(), chance)
        path.write_bytes(content)
        counts["tried"] += 1
        try:
            opened = open_store(target, serves=True)
            counts["set_aside"] += opened.set_aside is not None
            opened.records()
            write_one(opened)
            opened.close()
        except StoreError:
            counts["refused"] += 1
        except Exception as error:
            yield f"damage {index} of {path.name}: {error!r}"


def small_disk(folder: Path) -> Iterator[str]:
    """Write until the disk is full, ten times with room made in between; then read-only."""
    data, acknowledged = folder / "data", set()

    def write(pipe: int) -> None:
        store = open_store(data)
        while True:
            os.write(pipe, f"{write_one(store)}\n".encode())

    for cycle in range(10):
        ballast = folder / "ballast"
        room = os.statvfs(folder)
        ballast.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - (100 + 40 * cycle) * 1024)))
        child, _, reading = in_child(write)
        ids, code = collect(child, reading)
        ballast.unlink()
        acknowledged.update(ids)
        counts["tried"] += 1
        counts["acknowledged"] = len(acknowledged)
        if code != 1:
            yield f"full disk {cycle}: the writer ended with {code}, not with a refusal"
        yield from (f"full disk {cycle}: {promise}" for promise in missing(data, acknowledged))
    os.system(f"mount -o remount,ro {folder}")
    counts["tried"] += 1
    try:
        write_one(open_store(data))
        yield "read-only disk: a record was acknowledged"
    except StoreError:
        counts["refused"] += 1


def failing_writes(folder: Path, times: int) -> Iterator[str]:
    """Every write beyond a size fails, from then on; the size grows a little each time."""
    for index in range(times):
        data, limit = folder / f"data-{index}", 1024 * (8 + 6 * index)

        def write(pipe: int, data: Path = data, limit: int = limit) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            store = open_store(data)
            while True:
                os.write(pipe, f"{write_one(store)}\n".encode())

        child, _, reading = in_child(write)
        ids, code = collect(child, reading)
        counts["tried"] += 1
        counts["acknowledged"] += len(ids)
        if code != 1:
            yield f"limit {limit}: the writer ended with {code}, not with a refusal"
        yield from (f"limit {limit}: {promise}" for promise in missing(data, set(ids)))
        shutil.rmtree(data)


def every_step(folder: Path) -> Iterator[str]:
    """Each open, write, flush and truncation fails, once and then from then on; `failing_disk.c` is loaded
    before libc."""
    disk = ctypes.CDLL(None)
    for for_ever in (0, 1):
        step, more = 0, True
        while more:
            step += 1
            data, steps = folder / f"data-{for_ever}-{step}", folder / "steps"

            def write(pipe: int, data: Path = data, steps: Path = steps, at: tuple = (step, for_ever)) -> None:
                disk.fail_at(*at)
                try:
                    store = open_store(data)
                    for _ in range(3):
                        os.write(pipe, f"{write_one(store)}\n".encode())
                    store.close()
                finally:
                    steps.write_text(str(disk.steps_taken()))

            child, _, reading = in_child(write)
            ids, code = collect(child, reading)
            more = int(steps.read_text()) >= step  # else the step was not reached, and all of them were tried
            counts["tried"] += more
            counts["acknowledged"] += len(ids)
            counts["refused"] += code == 1
            if code not in (0, 1):
                yield f"step {step}, for ever {for_ever}: neither written nor refused ({code})"
            yield from (f"step {step}, for ever {for_ever}: {promise}" for promise in missing(data, set(ids)))
            shutil.rmtree(data)


def main() -> None:
    """Run one of them."""
    folder = Path(sys.argv[2])
    numbers = [int(word) for word in sys.argv[3:]]
    if sys.argv[1] == "disk" and os.system(f"mount -t tmpfs -o size=2m tmpfs {folder}"):
        raise SystemExit("no mount")
    tests = {"kill": kills, "start": start, "damage": damage, "disk": small_disk, "limit": failing_writes}
    tests["steps"] = every_step
    broken = list(tests[sys.argv[1]](folder, *numbers))
    print(json.dumps(counts | {"broken": broken, "file": FILE_NAME}))


if __name__ == "__main__":
    main()
