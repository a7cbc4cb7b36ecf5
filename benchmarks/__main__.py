"""`python -m benchmarks`: measures the kit on this device."""

from collections.abc import Sequence

from benchmarks import (
    bulk,
    coldstart,
    compare,
    everything,
    kiosk,
    latency,
    pipeline,
    rejection,
    report,
    roofline,
    tables,
)
from edge_app.commandline import run_commands

COMMANDS = (latency, compare, pipeline, coldstart, kiosk, bulk, roofline, rejection, everything, report, tables)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see `edge_app.commandline.run_commands`."""
    return run_commands("benchmarks", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
