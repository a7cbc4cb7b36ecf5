"""When something happened, on a device whose clock may be wrong.

A Raspberry Pi's clock has no battery: after a power cut it may show any date until someone sets it. So each act
is also recorded with two values that nobody can set: the ID of the boot, and the time since it. If one act of a
boot has a time that is known to be right, the times of the others follow.
"""

import time
from pathlib import Path
from typing import NamedTuple

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class MachineTime(NamedTuple):
    """`boot_id` names the boot of the machine, "" where the system has none; `uptime_s` are seconds since it."""

    boot_id: str
    uptime_s: float


def machine_time() -> MachineTime:
    """Now."""
    return MachineTime(boot_id(), round(time.monotonic(), 3))


def boot_id() -> str:
    """The id of this boot from the kernel, "" where there is none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
