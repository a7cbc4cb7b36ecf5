"""`python -m benchmarks`: measures the kit on this machine, and studies its models."""

from collections.abc import Sequence

from benchmarks.commands import ablation, hospitals, networks, occlusion, probe, rejection, report, stability, tables
from benchmarks.commands import all as all_benchmarks
from benchmarks.commands.device import bulk, coldstart, compare, kiosk, latency, pipeline, roofline
from edge_app.commandline import run_commands

DEVICE = (latency, compare, pipeline, coldstart, kiosk, bulk, roofline)
STUDIES = (networks, ablation, occlusion, stability, probe, hospitals, rejection)
COMMANDS = (*DEVICE, *STUDIES, all_benchmarks, report, tables)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see `edge_app.commandline.run_commands`."""
    return run_commands("benchmarks", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
