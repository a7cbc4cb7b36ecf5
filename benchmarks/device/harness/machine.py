"""Facts about the machine under test: what it is, and how hot, fast and busy it is now.

A fact that the system does not provide is None; nothing here may fail a benchmark.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Bits of `vcgencmd get_throttled` on a Raspberry Pi (Raspberry Pi documentation, "vcgencmd").
THROTTLE_BITS = {
    0: "under-voltage now",
    1: "frequency capped now",
    2: "throttled now",
    3: "soft temperature limit now",
    16: "under-voltage has occurred",
    17: "frequency capping has occurred",
    18: "throttling has occurred",
    19: "soft temperature limit has occurred",
}

# The instruction sets by which int8 kernels are chosen.
SIMD_FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "asimd", "asimddp", "i8mm", "neon", "sve")


def observed(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Measure something, and add the machine's `device` facts and its state `before` and `after`."""
    start = {"device": facts(), "before": state()}
    measured = measure()
    return start | {"after": state()} | measured


def facts(root: Path = Path("/")) -> dict[str, Any]:
    """What does not change during a measurement: board, CPU, memory, system, Python.

    Args:
        root: the folder that holds `proc` and `sys`; tests give their own.
    """
    cpu = _fields(root / "proc/cpuinfo")
    memory_kb = _fields(root / "proc/meminfo").get("MemTotal", "").removesuffix("kB")
    return {
        "board": _text(root / "proc/device-tree/model") or _text(root / "sys/class/dmi/id/product_name"),
        "cpu": cpu.get("model name") or cpu.get("Model") or platform.processor() or None,
        "cpu_flags": [flag for flag in SIMD_FLAGS if flag in (cpu.get("flags") or cpu.get("Features", "")).split()],
        "cores": os.cpu_count(),
        "memory_mb": int(memory_kb) // 1024 if memory_kb else None,
        "architecture": platform.machine(),
        "system": _fields(root / "etc/os-release", "=").get("PRETTY_NAME", "").strip('"') or platform.platform(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "governor": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "max_frequency_mhz": _mhz(root / "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"),
    }


def state(root: Path = Path("/")) -> dict[str, Any]:
    """What may change during a measurement; recorded before and after it."""
    return {
        "load_average_1min": round(os.getloadavg()[0], 2),
        "frequency_mhz": _mhz(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"),
        "temperature_c": _temperature_c(root),
        "throttled": _throttled(),
    }


def memory_kb(pid: int | str = "self", root: Path = Path("/")) -> dict[str, int] | None:
    """Resident memory of a process, now and at its peak, in KiB; None where there is no /proc.

    `ru_maxrss` is unsuitable: a child started by vfork inherits the peak of its parent.
    """
    fields = _fields(root / f"proc/{pid}/status")
    if "VmRSS" not in fields:
        return None
    return {"rss": int(fields["VmRSS"].split()[0]), "peak": int(fields["VmHWM"].split()[0])}


def throttle_words(text: str) -> list[str] | None:
    """What `throttled=0x50005` means, in words; None when the text is something else."""
    name, _, value = text.strip().partition("=")
    if name != "throttled":
        return None
    try:
        bits = int(value, 16)
    except ValueError:
        return None
    return [words for bit, words in THROTTLE_BITS.items() if bits >> bit & 1]


def _throttled() -> list[str] | None:
    tool = shutil.which("vcgencmd")
    if not tool:
        return None
    try:
        answer = subprocess.run([tool, "get_throttled"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return throttle_words(answer.stdout)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip(" \t\r\n\0") or None
    except OSError:
        return None


def _fields(path: Path, separator: str = ":") -> dict[str, str]:
    """The first value of every name in a file of the system; empty where there is no such file."""
    fields: dict[str, str] = {}
    for line in (_text(path) or "").splitlines():
        name, _, value = line.partition(separator)
        fields.setdefault(name.strip(), value.strip())
    return fields


def _mhz(path: Path) -> int | None:
    text = _text(path)
    return int(text) // 1000 if text and text.isdigit() else None


def _temperature_c(root: Path) -> float | None:
    """The hottest zone."""
    texts = [_text(path) for path in sorted((root / "sys/class/thermal").glob("thermal_zone*/temp"))]
    degrees = [int(text) / 1000 for text in texts if text and text.lstrip("-").isdigit()]
    return max(degrees, default=None)
