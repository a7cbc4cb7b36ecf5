"""Breaks model installs in every way it can; run by `test_broken_installs.py`, in a process of its own.

    python install_worker.py kill FOLDER FIRST SECOND THIRD CYCLES SEED
    python install_worker.py steps FOLDER FIRST SECOND
    python install_worker.py again FOLDER FIRST SECOND      (FIRST is installed again while it is in use)
    python install_worker.py disk FOLDER FIRST SECOND       (FOLDER is a small file system)

FIRST and SECOND are bundles. Prints one JSON object: what was tried, and each broken promise.
"""

import errno
import fcntl  # noqa: F401  so that a failed `open` below does not hit its import
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_app.errors import BundleError
from edge_app.model.bundle import read_bundle
from edge_app.model.installed import ModelStore, first_that_works

# Audit events of Python that stand for a step of input or output; fsync has none and is wrapped.
STEPS = ("open", "os.mkdir", "os.rename", "os.chmod", "os.scandir", "os.remove", "os.rmdir", "tempfile.mkdtemp")
WORKED, REFUSED, BROKE, CRASHED = 0, 1, 2, 9


def whole(path: Path) -> None:
    """The check of a bundle, without a child process."""
    read_bundle(path)


def version_in_use(folder: Path) -> str:
    """The version that a start would use; a refusal of any other is a broken promise."""
    bundle, refused = first_that_works(read_bundle, None, folder)
    if refused:
        raise BundleError(f"refused {refused}")
    return bundle.card.version


def in_child(work: Callable[[], None]) -> int:
    """Fork, work, and return how it ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = BROKE
    try:
        work()
        code = WORKED
    except BundleError:
        code = REFUSED
    except BaseException as error:
        print(f"untyped: {error!r}", file=sys.stderr)
    finally:
        os._exit(code)


def fail_at(step: int, how: str) -> None:
    """From now on this process crashes at a step, or fails at it once or from then on."""
    count = 0

    def hook(event: str, _arguments: tuple = ()) -> None:
        nonlocal count
        if event not in STEPS and event != "os.fsync":
            return
        count += 1
        if how == "crash" and count == step:
            os._exit(CRASHED)
        if (how == "once" and count == step) or (how == "always" and count >= step):
            raise OSError(errno.EIO, "injected")

    fsync = os.fsync

    def audited_fsync(handle: int) -> None:
        hook("os.fsync")
        fsync(handle)

    os.fsync = audited_fsync
    sys.addaudithook(hook)


def every_step(folder: Path, first: Path, second: Path) -> Iterator[str]:
    """Break an install of the second model over the first at each step; yields broken promises."""
    steps = 0
    for how in ("crash", "once", "always"):
        step, ended = 0, CRASHED
        while ended == CRASHED or (how != "crash" and step < steps):
            step += 1
            shutil.rmtree(folder, ignore_errors=True)
            ModelStore(folder, whole).install(first)

            def install(step: int = step, how: str = how) -> None:
                fail_at(step, how)
                ModelStore(folder, whole).install(second)

            ended = in_child(install)
            yield from broken_promises(folder, first, second, ended, f"{how} at step {step}")
        steps = step  # the first step without a crash shows how many steps an install has


def in_use_again(folder: Path, model: Path) -> Iterator[str]:
    """Crash at each step of an install of the very model that is in use: it must stay in use, whole."""
    global tried
    step, ended = 0, CRASHED
    while ended == CRASHED:
        step += 1
        shutil.rmtree(folder, ignore_errors=True)
        ModelStore(folder, whole).install(model)

        def install(step: int = step) -> None:
            fail_at(step, "crash")
            ModelStore(folder, whole).install(model)

        ended = in_child(install)
        tried += 1
        try:
            if version_in_use(folder) != read_bundle(model).card.version:
                yield f"crash at step {step}: another model is in use"
        except BundleError as error:
            yield f"crash at step {step}: {error}"


def broken_promises(folder: Path, first: Path, second: Path, ended: int, what: str) -> Iterator[str]:
    """A model is in use, it is one of the two, an acknowledged one is the second, and a retry works."""
    global tried
    tried += 1
    try:
        version = version_in_use(folder)
        if ended == WORKED and version != read_bundle(second).card.version:
            yield f"{what}: acknowledged, but {version} is in use"
        if ended == BROKE:
            yield f"{what}: an untyped error"
        ModelStore(folder, whole).install(second)
        if version_in_use(folder) != read_bundle(second).card.version:
            yield f"{what}: a second try did not install"
        ModelStore(folder, whole).rollback()
        if version_in_use(folder) != read_bundle(first).card.version:
            yield f"{what}: the first model was lost"
        if leftovers := list((folder / "models").glob(".new-*")):
            yield f"{what}: leftovers {leftovers}"
    except Exception as error:
        yield f"{what}: {error!r}"


def kills(folder: Path, sources: list[Path], cycles: int, seed: int) -> Iterator[str]:
    """kill -9 a process that installs three in turn: in use is the last acknowledged one or the next."""
    global tried
    chance = random.Random(seed)
    versions = [read_bundle(path).card.version for path in sources]
    ModelStore(folder, whole).install(sources[-1])
    in_use = versions[-1]
    for cycle in range(cycles):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            store = ModelStore(folder, whole)
            while True:
                for version, source in zip(versions, sources, strict=True):
                    store.install(source)
                    os.write(writing, f"{version}\n".encode())
        os.close(writing)
        time.sleep(chance.uniform(0.001, 0.04))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading) as pipe:
            last = (acknowledged := pipe.read().split())[-1:] or [in_use]
        tried += 1
        following = versions[(versions.index(last[0]) + 1) % 3] if acknowledged else versions[0]
        try:
            in_use = version_in_use(folder)
        except Exception as error:
            yield f"cycle {cycle}: {error!r}"
            continue
        if in_use not in (last[0], following):
            yield f"cycle {cycle}: {in_use} is in use after {last[0]} was acknowledged"


def full_and_read_only_disk(folder: Path, first: Path, second: Path) -> Iterator[str]:
    """Leave more and more room on a small file system, then make it read-only."""
    global tried
    data, ballast = folder / "data", folder / "ballast"
    full = 0
    for left_kib in range(0, 700, 20):
        shutil.rmtree(data, ignore_errors=True)
        ModelStore(data, whole).install(first)
        room = os.statvfs(folder)
        ballast.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - left_kib * 1024)))
        ended = in_child(lambda: ModelStore(data, whole).install(second) and None)
        full += ended == REFUSED
        version = version_in_use(data)
        ballast.unlink()
        if ended == REFUSED and version != read_bundle(first).card.version:
            yield f"{left_kib} KiB left: refused, but {version} is in use"
        yield from broken_promises(data, first, second, ended, f"{left_kib} KiB left")
    if not 5 < full < 35:
        yield f"the disk was full {full} times: the test does not test"
    os.system(f"mount -o remount,ro {folder}")
    tried += 1
    before = version_in_use(data)
    if in_child(lambda: ModelStore(data, whole).install(second) and None) != REFUSED:
        yield "read-only disk: no typed refusal"
    if version_in_use(data) != before:
        yield "read-only disk: another model is in use"
    if ModelStore(data, whole).settle()[1]:
        yield "read-only disk: settle refused a good model"


def main() -> None:
    """Run one of the three."""
    folder, first, second = (Path(word) for word in sys.argv[2:5])
    if sys.argv[1] == "kill":
        broken = list(kills(folder, [first, second, Path(sys.argv[5])], int(sys.argv[6]), int(sys.argv[7])))
    elif sys.argv[1] == "steps":
        broken = list(every_step(folder, first, second))
    elif sys.argv[1] == "again":
        broken = list(in_use_again(folder, first))
    else:
        if os.system(f"mount -t tmpfs -o size=2m tmpfs {folder}"):
            raise SystemExit("no mount")
        broken = list(full_and_read_only_disk(folder, first, second))
    print(json.dumps({"tried": tried, "broken": broken}))


tried = 0
if __name__ == "__main__":
    main()
