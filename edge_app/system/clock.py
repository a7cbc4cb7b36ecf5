"""When something happened, on a device whose clock may be wrong.

A Raspberry Pi has no battery: after a power cut it may believe any date until someone sets it. So
beside the time of each act stands what no one can set: which start of the machine it was, and how
long after it. Where one act of a start has a time that is known to be right, the others follow.
"""

import time
from pathlib import Path
from typing import NamedTuple

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class MachineTime(NamedTuple):
    """`boot_id` names the start of the machine, "" where the system gives none; `uptime_s` are seconds since it."""

    boot_id: str
    uptime_s: float


def machine_time() -> MachineTime:
    """This moment."""
    return MachineTime(boot_id(), round(time.monotonic(), 3))


def boot_id() -> str:
    """The id that the kernel drew at this start, "" where there is none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
