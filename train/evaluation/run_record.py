"""How something was made: command, versions, machine, time and state of the code."""

import importlib.metadata
import os
import platform
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge_app.version import __version__

PACKAGES = ("tensorflow", "tf-keras", "numpy", "pillow", "scikit-learn", "scipy")


def run_record(command: str, started: float) -> dict[str, Any]:
    """The record of a training.

    Args:
        command: that makes it again.
        started: seconds since the epoch; the time since then counts as the run's.
    """
    return {
        "command": command,
        "started": datetime.fromtimestamp(started, timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 1),
        "kit": __version__,
        "git": git_commit(),
        "packages": {name: version for name in PACKAGES if (version := package_version(name))},
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """Python, system, processor, cores and GPUs of this machine."""
    from train.keras import tf

    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpus": [_gpu_name(gpu, tf) for gpu in tf.config.list_physical_devices("GPU")],
    }


def _gpu_name(gpu: Any, tf: Any) -> str:
    return str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def git_commit() -> str:
    """The commit of the running code, `-dirty` if it was changed since; "unknown" outside a checkout."""
    command = ["git", "--no-optional-locks", "-C", str(Path(__file__).parent)]
    command += ["describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def package_version(package: str) -> str | None:
    """The installed version; None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
