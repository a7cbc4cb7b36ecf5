"""What `doctor` checks: one function per subject, which says what it saw and what to do about it."""

import importlib.metadata
import os
import platform
import shutil
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge_app.errors import KitError
from edge_app.model.runtimes.base import RuntimeKind
from edge_app.model.runtimes.registry import RUNTIME_VARIABLE, RUNTIMES, installed_runtimes, load_runtime
from edge_app.version import __version__

# package: what needs it
PACKAGES = {"numpy": "everything", "pillow": "everything", "gradio": "the kiosk page", "pydicom": "DICOM films"}
MIN_FREE_MIB = 200
FULL_MIB = 20
MIN_MEMORY_MIB = 350  # the kiosk with one film of 15 million pixels
RELEASED = datetime(2026, 11, 1, tzinfo=timezone.utc)  # no correct clock shows an earlier time
MEMINFO = Path("/proc/meminfo")
THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
HOT_C = 80.0  # a Pi slows down above this


@dataclass(frozen=True)
class Check:
    """What one check saw. `verdict` is "ok", "note", "warn" or "fail"; `todo` is empty where there is nothing to do."""

    what: str
    verdict: str
    got: str
    todo: str = ""


def check_device(data: Path, self_test: Callable[[Path], dict[str, Any]]) -> list[Check]:
    """Run every check; a check that itself fails is also reported.

    Args:
        self_test: tries a bundle, and raises `BundleError` for one that does not work.
    """
    subjects: list[Callable[[], list[Check]]] = [
        _device,
        _packages,
        _runtime,
        lambda: _model(data, self_test),
        lambda: _data_folder(data),
        lambda: _disk(data),
        _memory,
        _clock,
        _heat,
    ]
    checks: list[Check] = []
    for subject in subjects:
        try:
            checks += subject()
        except (OSError, ValueError, KeyError) as error:
            checks.append(Check("check", "warn", f"this check could not be run: {error}"))
    return checks


def _device() -> list[Check]:
    from edge_app.reading.selftest import device

    known = device()
    bits = "64 bit" if sys.maxsize > 2**32 else "32 bit"
    return [
        Check("device", "ok", f"{known['model']}, {known['machine']}, {bits}, {os.cpu_count()} cores"),
        Check("kit", "ok", f"{__version__} on Python {platform.python_version()} in {sys.prefix}"),
    ]


def _packages() -> list[Check]:
    checks = []
    for name, user in PACKAGES.items():
        try:
            checks.append(Check(name, "ok", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            verdict = "fail" if user == "everything" else "note"
            checks.append(Check(name, verdict, f"missing; needed for {user}", f"pip install {name}"))
    return checks


def _runtime() -> list[Check]:
    have = installed_runtimes()
    checks = [
        Check(name, "ok" if name in have else "note", _version_or_missing(kind)) for name, kind in RUNTIMES.items()
    ]
    try:
        used = load_runtime()
    except KitError as error:
        return [*checks, Check("runtime", "fail", str(error), "install from the stick again")]
    asked = os.environ.get(RUNTIME_VARIABLE)
    why = f"{RUNTIME_VARIABLE} asks for it" if asked else "the fastest of those installed"
    if not asked and len(have) == 1:
        why = "the only one installed"
    return [*checks, Check("runtime used", "ok", f"{used}, {used.family} kernels: {why}")]


def _version_or_missing(kind: RuntimeKind) -> str:
    try:
        return importlib.metadata.version(kind.package)
    except importlib.metadata.PackageNotFoundError:
        return f"missing (made for {kind.made_for}); one runtime is enough"


def _model(data: Path, self_test: Callable[[Path], dict[str, Any]]) -> list[Check]:
    from edge_app.model.installed import first_that_works

    try:
        result, refused = first_that_works(self_test, None, data)
    except KitError as error:
        return [Check("model", "fail", str(error), "install a model: `models install FILE`")]
    model = result["model"]
    passed = f"{model['name']} {model['version']}, {result['films']} golden films, off by {result['steps_off']} steps"
    checks = [Check("model", "ok", f"{passed} of {result['steps_allowed']} allowed")]
    if model["phantom"]:
        checks.append(Check("model", "warn", "PHANTOM MODEL: trained on drawings, for demonstration only"))
    return checks + [
        Check("model refused", "warn", sentence, "install it again, or `models rollback`") for sentence in refused
    ]


def _data_folder(data: Path) -> list[Check]:
    nearest = next(folder for folder in (data, *data.parents) if folder.exists())
    if not data.exists():
        verdict = "ok" if os.access(nearest, os.W_OK) else "warn"
        return [Check("data folder", verdict, f"{data} is not there yet", "" if verdict == "ok" else _give(data))]
    if not os.access(data, os.W_OK | os.X_OK):
        return [unwritable(data, data.stat().st_uid, os.geteuid())]
    records = sorted(data.glob("records.sqlite3*"))
    open_to_all = [path.name for path in records if path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP)]
    if open_to_all and data.stat().st_mode & stat.S_IXOTH:
        names = ", ".join(open_to_all)
        return [Check("data folder", "warn", f"others can read {names}", f"chmod 600 {data}/records.sqlite3*")]
    return [Check("data folder", "ok", f"{data} can be written")]


def unwritable(data: Path, owner: int, asking: int) -> Check:
    """Check a folder that the current user cannot write; a folder of another user must not change its owner."""
    if owner == asking:
        return Check("data folder", "warn", f"{data} cannot be written by its own user", "the disk may be read-only")
    return Check(
        "data folder", "note", f"{data} belongs to another user", "run this as that user: sudo cxr-edge doctor"
    )


def _give(folder: Path) -> str:
    return f"sudo mkdir -p {folder} && sudo chown $(id -un) {folder}, or name another with --data-dir"


def _disk(data: Path) -> list[Check]:
    nearest = next(folder for folder in (data, *data.parents) if folder.exists())
    return [disk(nearest, shutil.disk_usage(nearest).free // 2**20)]


def disk(folder: Path, free_mib: int) -> Check:
    """Check the free space where records and models are kept."""
    if free_mib < MIN_FREE_MIB:
        todo = f"free some of {folder}: below {MIN_FREE_MIB} MiB records and models may not be saved"
        return Check("disk", "fail" if free_mib < FULL_MIB else "warn", f"{free_mib} MiB free", todo)
    return Check("disk", "ok", f"{free_mib} MiB free on {folder}")


def _memory() -> list[Check]:
    if not MEMINFO.exists():
        return [Check("memory", "note", "this system does not report it")]
    return [memory(MEMINFO.read_text(encoding="ascii"))]


def memory(meminfo: str) -> Check:
    """Check the text of /proc/meminfo."""
    lines = dict(line.split(":", 1) for line in meminfo.splitlines())
    total, free = (int(lines[name].split()[0]) // 1024 for name in ("MemTotal", "MemAvailable"))
    got = f"{free} of {total} MiB free"
    if free < MIN_MEMORY_MIB:
        return Check("memory", "warn", got, "close other programs; very large films may be refused")
    return Check("memory", "ok", got)


def _clock() -> list[Check]:
    return [clock(datetime.now(timezone.utc))]


def clock(now: datetime) -> Check:
    """Check the time of this device's clock."""
    got = f"{now:%Y-%m-%d %H:%M} UTC, up for {time.monotonic() / 3600:.1f} h"
    if now < RELEASED:
        todo = "wrong: set it with `sudo date --set='YYYY-MM-DD HH:MM'`, or add a clock module"
        return Check("clock", "warn", got, todo)
    return Check("clock", "ok", got)


def _heat() -> list[Check]:
    return [heat(int(THERMAL.read_text(encoding="ascii")) / 1000)] if THERMAL.exists() else []


def heat(celsius: float) -> Check:
    """Check the temperature of the processor."""
    if celsius >= HOT_C:
        return Check("heat", "warn", f"{celsius:.0f} C", "the processor slows down: give it a heat sink or more air")
    return Check("heat", "ok", f"{celsius:.0f} C")
